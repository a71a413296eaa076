"""Difficulty on a real L1: agents' view, the contracts and what a miner searches at say the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.deploy import deploy
from pol_oracle.protocol.difficulty import BIT, work
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.task import Task
from pol_oracle.view import View
from tests.e2e.stage import ETH, Stage

PAUSES = (1, 30, 1, 1, 200, 1, 7, 1)  # seconds of L1 per round, over and over
WANTED = 8


@pytest.fixture
def retargeting(
    tmp_path: Path,
    anvil: str,
    task: Task,
    parameters: Parameters,
    accounts: list[LocalAccount],
    mine: Callable[..., None],
) -> Iterator[Stage]:
    """A stage whose chain wants a block every ten seconds; its windows are longer than the test."""
    moving = replace(
        parameters,
        difficulty=5 * BIT + 100,
        max_difficulty=6 * BIT,
        target_interval=10,
        half_life=60,
        challenge_window=10_000,
    )
    stage = Stage(tmp_path, anvil, deploy(Client.connect(anvil), accounts[0], task, moving, confirmations=1), mine)
    yield stage
    stage.close()


def agrees(stage: Stage, view: View) -> bool:
    """Compares every block of a view with L1's storage; says whether they are many enough."""
    parameters = stage.deployment.parameters
    for block in view.blocks.values():
        record = stage.client.block_record(block.id)
        assert record.child_difficulty == view.child_difficulty(block.id, parameters)
        assert record.total_work == block.total_work
        if block.header is not None:
            assert record.difficulty == block.difficulty == view.child_difficulty(block.parent, parameters)
    return len(view.blocks) > WANTED


def test_blocks_have_the_same_difficulty_on_l1_and_in_the_mirror(
    retargeting: Stage, accounts: list[LocalAccount]
) -> None:
    retargeting.bond(accounts[1], Role.MINER, 2 * WANTED * ETH)  # nothing becomes final here
    miner = retargeting.miner(accounts[1], WANTED + 1)
    for turn in range(300):
        retargeting.rounds(seconds=PAUSES[turn % len(PAUSES)])
        if agrees(retargeting, miner.view):
            break
    blocks = [block for block in miner.view.blocks.values() if block.header is not None]
    assert len(blocks) >= WANTED
    difficulties = [block.difficulty for block in blocks]
    assert len(set(difficulties)) > 3
    assert blocks[-1].total_work == sum(map(work, difficulties))

    searched = {proof.id(retargeting.deployment.task.id): at for proof, at in miner.context.memory.proofs().items()}
    assert all(searched[block.id] >= block.difficulty for block in blocks)


def test_pitfall_12_a_reorg_gives_blocks_the_difficulty_of_where_they_are_now(
    retargeting: Stage, accounts: list[LocalAccount]
) -> None:
    """The same proposals come back in other seconds, and what is built on them is as hard as L1 says then."""
    retargeting.bond(accounts[2], Role.VERIFIER, 130 * ETH)  # a thousand blocks may be pending
    miner, watcher = retargeting.miner(accounts[1], 4), retargeting.verifier(accounts[2])
    retargeting.until(lambda: len(watcher.view.blocks) == 4)
    last = list(watcher.view.blocks)[-1]
    before = watcher.view.blocks[last].proposed_at

    retargeting.client.rpc.request("anvil_reorg", 5, [])
    retargeting.rounds(seconds=100)
    retargeting.until(lambda: watcher.view.blocks.get(last) is not None and len(watcher.view.blocks) == 5)
    assert watcher.view.blocks[last].proposed_at != before
    agrees(retargeting, watcher.view)
    agrees(retargeting, miner.view)
