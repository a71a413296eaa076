"""The miner's loop, with made-up replays and searches: when it searches, and when it leaves the machine to a replay."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog

from pol_oracle.agents.miner import MinerLoop
from pol_oracle.agents.rules.verdicts import Invalid, Valid, Verdict
from pol_oracle.agents.runtime import Context
from pol_oracle.agents.storage.memory import AgentMemory
from pol_oracle.agents.work.follow import Ask
from pol_oracle.agents.work.worker import Background, Cancelled
from pol_oracle.evidence import Shown
from pol_oracle.protocol.errors import StoreError
from pol_oracle.task.proof import Job
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Lineage
from tests.agents.scene import CHEAT, GENESIS, MINER, PARAMETERS, POLICY, TASK, Scene, account_of, join, proof_of


class Machine:
    """One machine: whether a search runs on it, and what its replays come to once they are let go."""

    def __init__(self, folder: Path, scene: Scene) -> None:
        self.scene = scene
        self.searching: list[bytes] = []
        self.verdicts: dict[bytes, Verdict | StoreError] = {}
        nothing: Any = None
        config = SimpleNamespace(
            background=Background(0), policy=POLICY, name="miner", account=account_of(MINER), depth=0
        )
        records = SimpleNamespace(note=lambda **facts: None)
        memory = AgentMemory(folder / "m.sqlite", GENESIS, MINER)
        context = SimpleNamespace(
            config=config,
            parameters=PARAMETERS,
            task_id=TASK,
            genesis_id=GENESIS,
            memory=memory,
            records=records,
            sender=SimpleNamespace(gas_price=0),
            me=MINER,
            metrics=None,
        )
        self.loop = MinerLoop(cast(Context, context), self.replay, self.produce, nothing)
        self.loop.log = structlog.get_logger()

    def replay(self, block: BlockView, lineage: Lineage, shown: Shown, cancelled: Ask) -> Verdict:
        while block.id not in self.verdicts:
            if cancelled():
                raise Cancelled
            time.sleep(0.001)
        found = self.verdicts[block.id]
        if isinstance(found, StoreError):
            raise found
        return found

    def produce(self, job: Job, cancelled: Ask) -> Any:
        self.searching.append(job.parent)
        while not cancelled():
            time.sleep(0.001)
        self.searching.remove(job.parent)
        raise Cancelled

    def turn(self) -> list[bytes]:
        """Lets it think until it has made up its mind; returns what is searched on."""
        for _ in range(4):
            list(self.loop.think(self.scene.view))
            if self.loop._worker.cancelled:
                join("search")
            if self.loop._replay_queue._worker.key in self.verdicts:
                join("replay")
        while self.loop._worker.key is not None and not self.searching:
            time.sleep(0.001)
        return self.searching


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def machine(tmp_path: Path, scene: Scene) -> Any:
    machine = Machine(tmp_path, scene)
    yield machine
    machine.loop.close_workers(5)


def test_the_search_rests_while_a_heavier_block_waits_to_be_replayed(scene: Scene, machine: Machine) -> None:
    """Searching on, it would keep its lead because nobody, itself among them, has time to judge the others' blocks."""
    own = scene.propose(miner=MINER)
    assert machine.turn() == [own]

    rival = scene.propose(miner=CHEAT)
    assert machine.turn() == [own]  # as heavy: first seen wins
    above = scene.propose(rival, CHEAT)
    assert machine.turn() == []

    machine.verdicts[rival] = Valid(rival)
    assert machine.turn() == []  # what is heavier is not judged yet
    machine.verdicts[above] = Valid(above)
    assert machine.turn() == [above]


@pytest.mark.parametrize(
    "judgement",
    [
        lambda block: Invalid(block, "wrong", proof_of(block)),
        lambda block: StoreError("not there"),
    ],
    ids=["wrong", "cannot be replayed"],
)
def test_pitfall_22_a_pile_on_a_block_that_is_not_found_right_stops_no_search(
    scene: Scene, machine: Machine, judgement: Any
) -> None:
    own = scene.propose(miner=MINER)
    bad = scene.chain(5, miner=CHEAT)[0]
    assert machine.turn() == []
    machine.verdicts[bad] = judgement(bad)
    assert machine.turn() == [own]


def test_a_proof_on_its_way_to_l1_weighs_too(scene: Scene, machine: Machine) -> None:
    proof = scene.header(miner=MINER)
    machine.loop._proofs[proof] = PARAMETERS.difficulty
    scene.propose(miner=CHEAT)
    assert machine.turn() == [proof.id(TASK)]
