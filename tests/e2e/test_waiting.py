"""Agents say what they wait for, in their log and their status file."""

from __future__ import annotations

from eth_account.signers.local import LocalAccount

from pol_oracle.agents.rules.verdicts import Verdict
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.view.blocks import BlockView
from tests.e2e.stage import ETH, Stage


def unserved(block: BlockView, *_: object) -> Verdict:
    raise StoreError("its state is nowhere to be found")


def test_a_lonely_verifier_misses_a_quorum_and_says_which_blocks_it_cannot_replay(
    stage: Stage, accounts: list[LocalAccount]
) -> None:
    stage.bond(accounts[1], Role.MINER)
    stage.bond(accounts[2], Role.VERIFIER)
    stage.miner(accounts[1], blocks=1)
    verifier = stage.verifier(accounts[2], unserved)

    stage.until(lambda: bool(verifier.view.pending) and len(verifier.waits(verifier.view)) == 2)

    quorum, replay = verifier.waits(verifier.view)
    assert quorum.text == "a block needs 2 attestations, and 1 verifier can give one"
    assert replay.text == "1 live block cannot be replayed yet: its state is nowhere to be found"


def test_a_miner_whose_bond_covers_one_block_says_so(stage: Stage, accounts: list[LocalAccount]) -> None:
    stage.bond(accounts[1], Role.MINER, 5 * ETH // 4)  # and a quarter to explain it
    for verifier in accounts[2:4]:
        stage.bond(verifier, Role.VERIFIER)
    miner = stage.miner(accounts[1], blocks=1)

    stage.until(lambda: bool(miner.view.pending))

    (wait,) = miner.waits(miner.view)
    assert wait.text.startswith("bond fully locked in 1 block, the first waits: 0 of 2 attestations")
    assert accounts[1].address in wait.remedy
