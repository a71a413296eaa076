"""What a replay from a block's page finds, under both rule sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pol_oracle.agents.work.follow import Follower
from pol_oracle.canonical.state import State
from pol_oracle.explorer.workshop.replay import replay
from pol_oracle.explorer.workshop.shelf import StateShelf
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.header import Header
from pol_oracle.task import Workload, requirements_of, weights_of
from pol_oracle.view.blocks import BlockView
from tests.adversaries.forging import honest
from tests.agents.chains import GENESIS
from tests.task.workloads import MINER, STEPS, small_workload

BITS = 2


def block(header: Header, workload: Workload) -> BlockView:
    block_id = header.id(workload.task.id)
    return BlockView(block_id, header, MINER, header.parent, 1, BITS * BIT, 1, 1, 0, header.correct_after)


def test_a_right_block_is_valid_and_meets_what_it_had_to(tmp_path: Path) -> None:
    workload, parts = small_workload(), list[float]()
    made = honest(workload, GENESIS, MINER, BITS * BIT)
    found = replay(Follower(workload, GENESIS, StateShelf(tmp_path)), block(made.header, workload), (), parts.append)
    assert (found.valid, found.words) == (True, "the replay gives the same bits")
    assert len(found.requirements) == BITS and all(one.met for one in found.requirements)
    assert len(found.losses) == STEPS == len(parts)
    assert parts == sorted(parts)


@pytest.fixture
def served(tmp_path: Path) -> tuple[Follower, Header, State]:
    """A block under the paper's rules whose W, which is not the initial state, is in the store."""
    workload = small_workload("paper")
    images, labels = workload.train.images, workload.train.labels
    pre = workload.stepper.run(workload.initial, images[4:8], labels[4:8]).post
    step = workload.stepper.run(pre, images[:4], labels[:4])
    shelf = StateShelf(tmp_path)
    shelf.put(pre.root, pre.to_bytes())
    roots = bytes(32), pre.root, step.post.root, step.trace.root, bytes(32)
    return Follower(workload, GENESIS, shelf), Header(GENESIS, MINER, 0, (0, 1, 2, 3), *roots, 0, 0), pre


def test_under_the_papers_rules_the_step_begins_at_the_miners_own_weights(
    served: tuple[Follower, Header, State],
) -> None:
    follower, header, pre = served
    found = replay(follower, block(header, follower.workload), (), lambda part: None)
    assert found.losses == []
    for said, one in zip(found.requirements, requirements_of(follower.workload, header, BITS * BIT), strict=True):
        tensor, elements = weights_of(follower.workload, one)
        assert [np.float32(w.before) for w in said.weights] == [pre.tensors[tensor].reshape(-1)[elements[0]]]


def test_under_the_papers_rules_weights_that_nobody_serves_are_said_to_be_missing(
    served: tuple[Follower, Header, State], tmp_path: Path
) -> None:
    follower, header, _ = served
    for path in tmp_path.glob("*.f32"):
        path.unlink()
    with pytest.raises(StoreError, match="--store"):
        replay(follower, block(header, follower.workload), (), lambda part: None)
