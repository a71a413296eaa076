"""Values that cannot be meant are refused before anything is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from pol_oracle.fixtures.l1 import L1
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account
from tests.cli.conftest import Pol


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("blocks", "watch", "--interval"), "--interval"),
        (("miner", "run", "--poll"), "--poll"),
        (("verifier", "run", "--poll"), "--poll"),
        (("devnet", "up", "--block-time"), "--block-time"),
        (("demo", "--limit"), "--limit"),
        (("soak", "--minutes"), "--minutes"),
        (("bench", "cli", "--tolerance"), "--tolerance"),
    ],
)
@pytest.mark.parametrize("value", ["inf", "nan", "1e30", "-1"])
def test_times_that_are_none_are_refused(pol: Pol, words: tuple[str, ...], option: str, value: str) -> None:
    said = pol(*words, value)
    assert said.code == 2
    assert option in said.err


def test_an_address_with_a_wrong_digit_is_refused_where_its_capitals_tell(pol: Pol, deployed: Deployment) -> None:
    """Its bond would have been nobody's."""
    right = dev_account(1).address
    wrong = right[:-1] + ("8" if right[-1] != "8" else "9")
    for words in (
        ("bond", "show"),
        ("bond", "deposit", "1", "--role", "miner", "--dev", 1, "--for"),
        ("devnet", "fund"),
    ):
        assert f"a digit of the address {wrong} is wrong" in pol(*words, wrong).sentence
    assert pol("bond", "show", right.lower()).code == 0


def test_a_deployment_whose_task_cannot_be_read_is_told(pol: Pol, home: Path, deployed: Deployment, l1: L1) -> None:
    l1.bond()
    l1.propose(l1.header(bytes.fromhex(deployed.genesis_id[2:]), 1))
    for words in (("blocks", "verify", "head"), ("verifier", "run", "--dev", 2)):
        assert "the task in the deployment file cannot be read (name: Field required" in pol(*words).sentence


def test_a_name_that_cannot_be_is_told_before_a_password_is_asked_for(pol: Pol) -> None:
    for words in (("keys", "new"), ("keys", "import")):
        assert "is no name for a key" in pol(*words, "../evil").sentence


def test_what_is_no_folder_is_not_pruned(pol: Pol, deployed: Deployment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("something")
    for place in (tmp_path / "file", tmp_path / "nothing", "http://x/y"):
        assert "is no folder on this machine" in pol("store", "prune", "--folder", place).sentence
    assert "names no store: name a --folder" in pol("store", "prune").sentence
