"""W is its miner's choice, made so that it need not search or train: attacks that ended W's freedom (docs/risks.md).

Where W was free such blocks were valid. Now a right list ends in another root, which its miner cannot open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pol_oracle.canonical.state import State
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.task import Workload
from tests.adversaries.arena import Arena

UPHILL = 6  # steps


def crafted(workload: Workload, state: State) -> State:
    """Convolutions so small that batch norm's epsilon rules, and every ReLU open: bits follow from a table."""
    tensors = [tensor.copy() for tensor in state.tensors]
    for weight, tensor in zip(workload.model.state, tensors, strict=True):
        if "conv" in weight.name:
            tensor *= np.float32(2.0**-20)
        elif weight.name.endswith("bias"):
            tensor += np.float32(8)
    return State(workload.model, np.concatenate([tensor.reshape(-1) for tensor in tensors]))


def saturated(workload: Workload, state: State) -> State:
    """One channel that drowns all others in training, so that a step always improves accuracy."""
    flat = state.flat.copy()
    flat[0] = np.float32(2.0**20)
    return State(workload.model, flat)


def worsened(workload: Workload, state: State) -> State:
    """A few mean steps uphill: of a trained network nearly every step then improves accuracy."""
    size, flat = workload.task.batch_size, state.flat
    for _ in range(UPHILL):
        steps = np.zeros_like(flat)
        for first in range(0, 8 * size, size):
            samples = slice(first, first + size)
            batch = workload.train.images[samples], workload.train.labels[samples]
            steps += workload.stepper.run(State(workload.model, flat), *batch).post.flat - flat
        flat = flat - steps / 8
    return State(workload.model, flat)


def trained_on_the_test_set(workload: Workload, state: State) -> State:
    """A step on samples that accuracy is counted on."""
    return workload.stepper.run(state, workload.test.images[:4], workload.test.labels[:4]).post


@pytest.mark.parametrize("choose", [crafted, saturated, worsened, trained_on_the_test_set])
def test_chosen_weights(arena: Arena, choose: Callable[[Workload, State], State]) -> None:
    made = arena.made
    chosen = choose(arena.workload, made.segment.end)
    forgery = made.standing_on(replace(made.segment, end=chosen))
    assert forgery.header.segment_root == made.header.segment_root
    assert forgery.header.pre_root != made.header.pre_root

    arena.convicts(forgery, EvidenceKind.WITHHELD, demands=2)
