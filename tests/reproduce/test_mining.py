"""The paper's miner: every try trains, and what a block claims stands up to a replay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import RuleError
from pol_oracle.protocol.header import Header
from pol_oracle.reproduce.mining import PaperMiner, Standing, genesis_of
from pol_oracle.task import requirements_of, unmet
from tests.task.workloads import small_workload

BITS = 3


@dataclass(frozen=True)
class Found:
    """A block, and the search just before it."""

    parent: bytes
    before: Standing
    after: Standing
    header: Header


def mine(parent: bytes, now: Standing) -> tuple[list[Standing], Found]:
    """Mines one block; returns all steps on the way, and the block."""
    miner, steps = PaperMiner(small_workload("paper"), BITS), [now]
    while True:
        after, header = miner.attempt(parent, steps[-1], lambda: None)
        if header is not None:
            return steps, Found(parent, steps[-1], after, header)
        steps.append(after)


@pytest.fixture(scope="module")
def searched() -> tuple[list[Standing], Found]:
    workload = small_workload("paper")
    return mine(genesis_of(workload.task), Standing(workload.initial))


def test_every_try_trains(searched: tuple[list[Standing], Found]) -> None:
    steps, found = searched
    assert [s.tries for s in steps] == list(range(len(steps)))
    roots = {s.state.root for s in steps} | {found.after.state.root}
    assert len(roots) == len(steps) + 1


def test_what_a_block_claims_stands_up_to_a_replay(searched: tuple[list[Standing], Found]) -> None:
    workload, found = small_workload("paper"), searched[1]
    header, chosen = found.header, list(found.header.indices)
    pre = found.before.state
    result = workload.stepper.run(pre, workload.train.images[chosen], workload.train.labels[chosen])
    assert (header.pre_root, header.post_root, header.trace_root) == (pre.root, result.post.root, result.trace.root)
    assert unmet(workload, requirements_of(workload, header, BITS), pre, result.post) is None

    test = workload.test
    before, after = (workload.evaluator.correct(s, test.images, test.labels) for s in (pre, result.post))
    assert (header.correct_before, header.correct_after) == (before.sum(), after.sum())
    assert header.eval_root == AccuracyTree.of(before, after).root.hash
    assert header.correct_after > header.correct_before


def test_the_next_block_begins_with_the_steps_weights(searched: tuple[list[Standing], Found]) -> None:
    found = searched[1]
    assert found.after.state.root == found.header.post_root
    assert found.after.tries == found.header.nonce + 1


def test_a_step_moves_the_running_statistics(searched: tuple[list[Standing], Found]) -> None:
    found = searched[1]
    for weight in small_workload("paper").model.buffers:
        assert not np.array_equal(found.before.state[weight.name], found.after.state[weight.name])


def test_every_nonce_has_samples_of_its_own() -> None:
    workload = small_workload("paper")
    miner, parent = PaperMiner(workload, BITS), genesis_of(workload.task)
    posts = {miner.attempt(parent, Standing(workload.initial, n), lambda: None)[0].state.root for n in range(4)}
    assert len(posts) == 4


def test_an_attempt_can_be_ended_while_it_evaluates(searched: tuple[list[Standing], Found]) -> None:
    workload, found = small_workload("paper"), searched[1]

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        PaperMiner(workload, BITS).attempt(found.parent, found.before, stop)


def test_training_that_diverges_is_an_error() -> None:
    workload = small_workload("paper")
    flat = workload.initial.flat.copy()
    flat[0] = np.inf
    with pytest.raises(RuleError, match="diverged"):
        PaperMiner(workload, BITS).attempt(bytes(32), Standing(State(workload.model, flat)), lambda: None)
