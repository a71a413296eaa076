"""The hardened chain's training without its search: segments, and one step a block that improves accuracy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import batch, seed
from pol_oracle.protocol.errors import RuleError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.task import Workload, segment_batch, state_before

from .mining import MINER, genesis_of


@dataclass(frozen=True)
class Tip:
    """The newest block.

    Attributes:
        block_id: stands in for the one that L1 would give: the search's part of a header is not computed.
        height: 0 for genesis.
        tries: steps that were looked at for all blocks so far.
        post: W'.
        correct: test samples that W' classifies correctly; genesis: 0.
    """

    block_id: bytes
    height: int
    tries: int
    post: State
    correct: int


def genesis(workload: Workload) -> Tip:
    """Returns what a chain begins with."""
    return Tip(genesis_of(workload.task), 0, 0, workload.initial, 0)


@dataclass(frozen=True)
class Grown:
    """A new block.

    Attributes:
        tip: it.
        batches: of all steps that lead to it, in order: the segment's and its own.
    """

    tip: Tip
    batches: tuple[tuple[int, ...], ...]


def grow(workload: Workload, parent: Tip, look: Callable[[], None]) -> Grown:
    """Returns the next block: the first nonce's whose step improves accuracy, as if all met R (k = 0).

    Args:
        workload: the task; with hardened rules.
        parent: what it builds on.
        look: called now and then; what it raises ends the work.

    Raises:
        RuleError: training diverged: a value is not finite.
    """
    task, train = workload.task, workload.train
    pre = state_before(workload, parent.block_id, parent.post, task.training_steps, lambda _: look())
    if not pre.finite:
        raise RuleError("training diverged: a value is not finite; use a smaller learning rate")
    before, nonce = _correct(workload, pre, look), 0
    while True:
        indices = batch(seed(task.rules, task.id, parent.block_id, MINER, nonce), task.batch_size, task.train_count)
        chosen = list(indices)
        post = workload.stepper.run(pre, train.images[chosen], train.labels[chosen]).post
        after = _correct(workload, post, look)
        nonce += 1
        if after > before or before == after == task.test_count:
            break
    block_id = keccak(parent.block_id + nonce.to_bytes(8, "big") + post.root)
    segment = (segment_batch(workload, parent.block_id, step) for step in range(task.training_steps))
    return Grown(Tip(block_id, parent.height + 1, parent.tries + nonce, post, after), (*segment, indices))


def _correct(workload: Workload, state: State, look: Callable[[], None]) -> int:
    test = workload.test
    return int(workload.evaluator.correct(state, test.images, test.labels, lambda _: look()).sum())
