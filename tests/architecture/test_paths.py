"""Two paths through the code that can be read in one go: each file is met from one that was read before."""

from __future__ import annotations

import pytest

from tests.architecture.modules import PACKAGE, ROOT, known

# a header: L1 event -> view -> replay -> verdict -> decision -> transaction
HEADER = [
    "agents/runtime.py",  # one turn: listen, think, respond, send
    "l1/monitor.py",
    "l1/events/logs.py",
    "view/view.py",
    "agents/verifier.py",  # what a verifier thinks
    "agents/work/replay_queue.py",
    "agents/rules/urgency.py",
    "agents/work/replay.py",
    "agents/work/follow.py",
    "evidence/investigate.py",
    "agents/rules/decide.py",
    "agents/rules/challenges.py",
    "agents/respond.py",
    "l1/sending/sender.py",
]
HEADER_VALUES = ["l1/events/typed.py", "view/blocks.py", "agents/rules/verdicts.py", "agents/rules/actions.py"]

# a try: nonce -> pass -> candidate -> proof -> proposal
TRY = [
    "agents/miner.py",
    "agents/rules/decide.py",  # what to build on; what to propose
    "agents/production.py",
    "agents/work/follow.py",
    "search/grouped/search.py",
    "search/draws.py",
    "search/grouped/passes.py",
    "search/grouped/network.py",
    "search/candidates.py",
    "canonical/step.py",
]
TRY_VALUES = ["task/proof.py"]


@pytest.mark.parametrize(("path", "most"), [(HEADER, 14), (TRY, 12)], ids=["header", "try"])
def test_each_file_of_a_path_is_met_from_one_before(path: list[str], most: int) -> None:
    """One of the two imports the other: it calls it, or is what it was started by."""
    files = [PACKAGE / name for name in path]
    assert len(files) <= most
    for place, file in enumerate(files[1:], 1):
        assert any(file in known(met) or met in known(file) for met in files[:place]), path[place]


@pytest.mark.parametrize(("path", "values"), [(HEADER, HEADER_VALUES), (TRY, TRY_VALUES)], ids=["header", "try"])
def test_what_is_handed_on_is_data(path: list[str], values: list[str]) -> None:
    """It knows no file that it is handed between."""
    for name in values:
        users = [file for file in path if PACKAGE / name in known(PACKAGE / file)]
        assert len(users) >= 2, name
        assert known(PACKAGE / name).isdisjoint(PACKAGE / file for file in path), name


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("## A header, from L1 event to transaction", [*HEADER, *HEADER_VALUES]),
        ("## A try, from nonce to proposal", [*TRY, *TRY_VALUES]),
    ],
    ids=["header", "try"],
)
def test_the_architecture_page_tells_the_path(heading: str, names: list[str]) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = page.partition(f"{heading}\n")[2].partition("\n## ")[0]
    assert [name for name in names if f"`pol_oracle/{name}`" not in section] == []
