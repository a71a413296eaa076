"""What is wrong with a key, a password, a bond or an amount is told in one clear sentence that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pol_oracle.fixtures.l1 import L1, MINER, PARAMETERS
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.records import Bond
from pol_oracle.protocol.lifecycle import Role
from tests.cli.conftest import Pol


def test_no_key_chosen(pol: Pol, deployed: Deployment) -> None:
    said = pol("bond", "deposit", "1", "--role", "miner")

    assert said.code == 1
    assert "--account NAME" in said.sentence
    assert "--dev N" in said.sentence


def test_unknown_key(pol: Pol, deployed: Deployment) -> None:
    said = pol("bond", "deposit", "1", "--role", "miner", "--account", "nobody")

    assert said.code == 1
    assert "no key 'nobody'" in said.sentence
    assert "keys new`" in said.sentence


def test_wrong_password(pol: Pol, deployed: Deployment, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse\n")
    wrong.write_text("battery staple\n")
    assert pol("keys", "new", "alice", "--password-file", right).code == 0

    said = pol("bond", "deposit", "1", "--role", "miner", "--account", "alice", "--password-file", wrong)

    assert said.code == 1
    assert said.sentence == "pol: wrong password for key 'alice'"


def test_nobody_to_ask_for_a_password(pol: Pol) -> None:
    said = pol("keys", "new", "alice")

    assert said.code == 1
    assert "--password-file" in said.sentence


def test_contract_revert_is_decoded(pol: Pol, deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "bond", lambda *_: Bond(2 * 10**18, 0))  # taken meanwhile by another process

    said = pol("bond", "withdraw", "2", "--role", "miner", "--dev", 9)

    assert said.code == 1
    assert "insufficient bond" in said.sentence
    assert "needed 2 ETH" in said.sentence


def test_more_than_the_free_bond_cannot_be_withdrawn(pol: Pol, l1: L1) -> None:
    """It advised a deposit."""
    l1.send(MINER, "BondVault", "deposit", int(Role.MINER), value=3 * PARAMETERS.miner_bond)
    l1.propose(l1.header(l1.client.finalized_tip(), 1))

    said = pol("bond", "withdraw", "9999", "--role", "miner", "--dev", MINER)

    assert said.code == 1
    assert "cannot withdraw 9999 ETH: 2 ETH of the miner bond are free; 1 ETH are locked until" in said.sentence


def test_the_hint_for_a_missing_bond_can_be_pasted(pol: Pol, deployed: Deployment) -> None:
    said = pol("verifier", "run", "--dev", 9)

    assert said.code == 1
    command = said.sentence.split("`")[1].split()
    assert command[0] == "pol"
    pol(*command[1:])
    assert "ETH bonded" not in pol("verifier", "run", "--dev", 9, "--confirmations", "-1").err


@pytest.mark.parametrize("amount", ["one", "0", "-1", "0.0000000000000000001", "nan"])
def test_amount_that_is_none(pol: Pol, deployed: Deployment, amount: str) -> None:
    said = pol("bond", "deposit", "--role", "miner", "--dev", 1, "--", amount)

    assert said.code == 1
    assert "is no amount of ETH" in said.sentence


def test_account_that_cannot_pay(pol: Pol, deployed: Deployment) -> None:
    said = pol("bond", "deposit", "99999", "--role", "miner", "--dev", 9)

    assert said.code == 1
    assert "ETH" in said.sentence


def test_same_account_twice(pol: Pol, home: Path, deployed: Deployment, client: object) -> None:
    from pol_oracle.l1.devnet.accounts import dev_account
    from pol_oracle.l1.sending.sender import Sender

    assert isinstance(client, Client)
    with Sender(client, dev_account(9), home / "agents" / "agent.sqlite"):
        said = pol("bond", "deposit", "1", "--role", "miner", "--dev", 9)

    assert said.code == 1
    assert "process" in said.sentence


def test_nothing_to_withdraw(pol: Pol, l1: L1) -> None:
    l1.send(MINER, "BondVault", "deposit", int(Role.MINER), value=PARAMETERS.miner_bond)
    l1.propose(l1.header(l1.client.finalized_tip(), 1))

    locked = pol("bond", "withdraw", "--role", "miner", "--dev", MINER)
    nothing = pol("bond", "withdraw", "--role", "verifier", "--dev", 9)

    assert locked.code == nothing.code == 1
    assert "no free miner bond and no credit; " in locked.sentence
    assert "ETH are locked until their blocks are settled" in locked.sentence
    assert nothing.sentence == "pol: nothing to withdraw: no free verifier bond and no credit"
