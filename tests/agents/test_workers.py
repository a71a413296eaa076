"""Background work: one thing at a time, cancellable, and never silently lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from pol_oracle.agents.blocks import BlockView
from pol_oracle.agents.memory import Memory
from pol_oracle.agents.reviewer import Replay, Reviewer
from pol_oracle.agents.verdicts import Verdict
from pol_oracle.agents.worker import Cancelled, Done, Worker
from pol_oracle.protocol.errors import ArithmeticFault, StoreError
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.agents.scene import CHEAT, GENESIS, V1, V2, Scene

KEY = bytes(32)


def finished(worker: Worker[int]) -> Done[int] | None:
    worker.close(5)
    return worker.take()


def test_worker_hands_over_a_value_once() -> None:
    worker: Worker[int] = Worker("test")
    worker.start(KEY, lambda cancelled: 7)

    assert finished(worker) == Done(KEY, 7)
    assert worker.take() is None
    assert worker.key is None


def test_worker_that_is_cancelled_has_nothing_to_tell() -> None:
    worker: Worker[int] = Worker("test")

    def work(cancelled: Callable[[], bool]) -> int:
        while not cancelled():
            time.sleep(0.001)
        raise Cancelled

    worker.start(KEY, work)
    with pytest.raises(RuntimeError, match="busy"):
        worker.start(KEY, work)
    assert finished(worker) is None
    assert worker.key is None


def test_worker_tells_expected_errors_and_raises_others() -> None:
    worker: Worker[int] = Worker("test")
    error = StoreError("not there")

    def fail(cancelled: Callable[[], bool]) -> int:
        raise error

    def break_(cancelled: Callable[[], bool]) -> int:
        return 1 // 0

    worker.start(KEY, fail)
    assert finished(worker) == Done(KEY, error)
    worker.start(KEY, break_)
    with pytest.raises(ZeroDivisionError):
        finished(worker)


class Review:
    """A reviewer over a replay that the test controls."""

    def __init__(self, path: Path, replay: Replay) -> None:
        self.memory = Memory(path / "m.sqlite", GENESIS, V1)
        self.reviewer = Reviewer(replay, self.memory, V1, structlog.get_logger(), retry_s=0)

    def turns(self, scene: Scene, count: int = 1) -> None:
        for _ in range(count):
            self.reviewer.turn(scene.view)
            for thread in threading.enumerate():
                if thread.name == "replay":
                    thread.join()


def test_disputed_blocks_are_replayed_first_then_live_ones(tmp_path: Path) -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    dead = scene.propose(bad)
    live = scene.propose(nonce=1)
    disputed = scene.propose(nonce=2)
    scene.slash(bad, winner=V2)
    scene.dispute(disputed, challenger=V2)
    seen: list[bytes] = []

    def replay(block: BlockView, cancelled: Callable[[], bool]) -> Verdict:
        seen.append(block.id)
        return Verdict(block.id)

    Review(tmp_path, replay).turns(scene, 5)

    assert seen == [disputed, live, dead]


def test_pitfall_09_blocks_that_are_not_served_do_not_delay_others(tmp_path: Path) -> None:
    scene = Scene()
    hidden = scene.chain(5, miner=CHEAT)
    good = scene.propose(nonce=1)
    seen: list[bytes] = []

    def replay(block: BlockView, cancelled: Callable[[], bool]) -> Verdict:
        seen.append(block.id)
        if block.miner == CHEAT:
            raise StoreError("not there")
        return Verdict(block.id)

    review = Review(tmp_path, replay)
    review.turns(scene, 9)

    assert seen[:6] == [*hidden, good]  # each once before any a second time
    assert review.reviewer.unserved[hidden[0]].failures >= 1
    assert review.reviewer.valid == {good}


def test_replay_that_succeeds_in_the_end_forgets_the_failures(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose()
    served = False

    def replay(block: BlockView, cancelled: Callable[[], bool]) -> Verdict:
        if not served:
            raise StoreError("not there")
        return Verdict(block.id, EvidenceKind.STEP, "wrong")

    review = Review(tmp_path, replay)
    review.turns(scene, 3)
    served = True
    review.turns(scene, 2)

    assert review.reviewer.unserved == {}
    assert review.memory.verdicts()[block].kind is EvidenceKind.STEP


def test_pitfall_07_agent_whose_arithmetic_fails_stops(tmp_path: Path) -> None:
    scene = Scene()
    scene.propose()

    def replay(block: BlockView, cancelled: Callable[[], bool]) -> Verdict:
        raise ArithmeticFault("subnormals are flushed")

    review = Review(tmp_path, replay)
    review.turns(scene)
    with pytest.raises(ArithmeticFault):
        review.turns(scene)
