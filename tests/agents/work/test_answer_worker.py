"""Answers are computed in time, and whatever is demanded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import structlog

from pol_oracle.agents.rules.verdicts import Answerer
from pol_oracle.agents.work.answer_worker import AnswerWorker
from pol_oracle.agents.work.worker import Background, Cancelled
from pol_oracle.evidence import Answer
from pol_oracle.protocol.errors import ArithmeticFault, RuleError, StoreError
from pol_oracle.protocol.positions import Position
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Lineage
from tests.agents.scene import CHEAT, MINER, NODES, PARAMETERS, POLICY, ROOTS, V1, V2, Scene, answer_of, join

Cancel = Callable[[], bool]


def worker(answer: Answerer, retry_s: float = 0) -> AnswerWorker:
    return AnswerWorker(answer, MINER, PARAMETERS, POLICY.stagger, structlog.get_logger(), Background(retry_s))


def work(at: AnswerWorker, scene: Scene, turns: int = 1) -> None:
    for _ in range(turns):
        at.turn(scene.view, 0)
        join("answer")


def given(block: BlockView, lineage: Lineage, position: Position, cancelled: Cancel) -> Answer:
    return answer_of(position)


def test_clerk_computes_what_is_due_and_forgets_what_is_done() -> None:
    scene = Scene()
    block, foreign = scene.propose(), scene.propose(miner=CHEAT)
    roots, nodes = scene.demand(block, ROOTS, V1), scene.demand(block, NODES, V2)
    scene.demand(foreign, ROOTS, V1)
    at = worker(given)
    work(at, scene, 3)
    assert at.answers == {(block, p): answer_of(p) for p in (ROOTS, NODES)}

    scene.answer(roots)
    work(at, scene)
    assert set(at.answers) == {(block, NODES)}
    scene.answer(nodes)
    work(at, scene)
    assert at.answers == {}


@pytest.mark.parametrize("error", [StoreError("not there"), RuleError("no such thing")])
def test_pitfall_11_demand_that_cannot_be_answered_neither_ends_the_agent_nor_blocks_others(error: Exception) -> None:
    scene = Scene()
    block = scene.propose()
    tries: list[Position] = []

    def answer(block: BlockView, lineage: Lineage, position: Position, cancelled: Cancel) -> Answer:
        tries.append(position)
        if position == ROOTS and len(tries) < 4:
            raise error
        return answer_of(position)

    scene.demand(block, ROOTS, V1)
    scene.demand(block, NODES, V1, window=60)
    at = worker(answer)
    work(at, scene, 3)
    assert set(at.answers) == {(block, NODES)}

    work(at, scene, 4)
    assert set(at.answers) == {(block, NODES), (block, ROOTS)}  # tried again, and there at last


def test_pitfall_07_clerk_whose_arithmetic_fails_stops() -> None:
    scene = Scene()
    scene.demand(scene.propose(), ROOTS, V1)

    def answer(block: BlockView, lineage: Lineage, position: Position, cancelled: Cancel) -> Answer:
        raise ArithmeticFault("subnormals are flushed")

    at = worker(answer)
    work(at, scene)
    with pytest.raises(ArithmeticFault):
        work(at, scene)


def test_answer_that_is_no_longer_due_is_given_up() -> None:
    scene = Scene()
    block = scene.propose()
    made = scene.demand(block, ROOTS, V1)
    ended = threading.Event()

    def answer(block: BlockView, lineage: Lineage, position: Position, cancelled: Cancel) -> Answer:
        while not cancelled():
            time.sleep(0.001)
        ended.set()
        raise Cancelled

    at = worker(answer)
    at.turn(scene.view, 0)
    scene.answer(made, V2)
    at.turn(scene.view, 0)

    assert ended.wait(5)
    join("answer")
    at.turn(scene.view, 0)
    assert at.answers == {}


def test_answer_is_computed_from_what_lies_below_the_block() -> None:
    scene = Scene()
    first, second, third = scene.chain(3)
    handed: list[Lineage] = []

    def answer(block: BlockView, lineage: Lineage, position: Position, cancelled: Cancel) -> Answer:
        handed.append(lineage)
        return answer_of(position)

    scene.demand(third, ROOTS, V1)
    work(worker(answer), scene)

    assert [list(below) for below in handed] == [[scene.view.blocks[block].header for block in (first, second)]]
