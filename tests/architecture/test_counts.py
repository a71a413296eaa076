"""Numbers that a page states of the code are the code's."""

from __future__ import annotations

import pytest

from pol_oracle.agents.storage.kept import SERVED
from pol_oracle.canonical.operations import Kind
from pol_oracle.demo.run import DemoConfig
from pol_oracle.protocol.derivation import LEAF_WEIGHTS
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.task import MAX_TRAINING_STEPS
from pol_oracle.task_file import load_spec
from tests.adversaries.conftest import COLLUDERS
from tests.architecture.pages import ROOT

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
DEVNET = load_spec(ROOT / "tasks" / "devnet.toml")
WAYS_TO_CHEAT = 45  # at least
EVIDENCE = [kind.name.lower() for kind in sorted(EvidenceKind)]

STATED = [
    ("README.md", f"at least {DemoConfig.blocks} honest blocks"),
    ("README.md", f"one honest verifier against {NUMBERS[COLLUDERS]} colluders"),
    ("README.md", f"on {NUMBERS[DEVNET.batch_size]} samples"),
    ("CONTRIBUTING.md", f"one honest verifier against {NUMBERS[COLLUDERS]} colluders"),
    ("CONTRIBUTING.md", f"the {NUMBERS[len(Kind)]} cover everything"),
    ("docs/cheats.md", f"one honest verifier against {NUMBERS[COLLUDERS]} colluders"),
    ("docs/cheats.md", f"a parity over {DEVNET.mask_size} weights"),
    ("docs/running.md", f"The newest {NUMBERS[SERVED]} final states"),
    ("docs/scaling.md", f"the newest {NUMBERS[SERVED]} final ones"),
    ("docs/glossary.md", f"out of a leaf of {LEAF_WEIGHTS}"),
    ("docs/glossary.md", f"one of {NUMBERS[len(Kind)]} kinds: {', '.join(kind.name.lower() for kind in Kind)}"),
    ("docs/glossary.md", f"its kinds are {', '.join(EVIDENCE[:-1])} and {EVIDENCE[-1]}"),
    ("docs/work.md", f"N goes up to {MAX_TRAINING_STEPS:,}"),
    ("docs/performance.md", f"for N = {DEVNET.training_steps}"),
]


def test_cheats_have_a_file_each() -> None:
    """A folder that moved would leave none of them behind, and nobody would notice."""
    assert len(list((ROOT / "tests" / "adversaries").rglob("test_*.py"))) >= WAYS_TO_CHEAT


@pytest.mark.parametrize(("page", "stated"), STATED, ids=lambda value: value)
def test_a_page_states_what_is_so(page: str, stated: str) -> None:
    assert stated in " ".join((ROOT / page).read_text("utf-8").split())
