"""The paper's miner: Algorithm 1 under the paper's own rules, where every try is a step of training.

    R = requirements drawn from the previous block's hash
    for nonce = 0, 1, ...:
        P = four samples, chosen freely: here drawn from R's seed and the nonce
        W' = W - lr * gradient of the loss on P; batch norm's running statistics move too
        if W' meets R and accuracy(W') > accuracy(W): publish the block; the next one begins with W'
        W = W'

``search/naive.py`` keeps W until a proof is found. Here nothing binds W, so the network learns while it searches. No L1
is involved: blocks get their ids as on L1, from a genesis of chain id 0.

Every step and every count is canonical. On a CPU that takes no longer than torch, and a task has the same chain on
every machine, wherever its mining was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import StepResult
from pol_oracle.protocol.derivation import batch, requirements, seed
from pol_oracle.protocol.errors import RuleError
from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.task import Task
from pol_oracle.task import Workload, unmet

MINER = "0x" + "00" * 20  # nobody is paid
_FREE_BATCH = b"pol-free"

Bits = NDArray[np.bool_]


def genesis_of(task: Task) -> bytes:
    """Returns the id of the block that a chain without an L1 begins with."""
    return task.genesis_id(0, MINER)


@dataclass(frozen=True)
class Standing:
    """Where the search for a block stands.

    Attributes:
        state: W, which the next try steps from.
        tries: steps done since the previous block.
        candidates: of these, steps that met R.
        seconds: that they took, by the clock.
        cpu_seconds: the same in processor time, which other work on the machine does not lengthen.
    """

    state: State
    tries: int = 0
    candidates: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


class PaperMiner:
    """Searches for one block after the other.

    Args:
        workload: a task of the rule set ``paper``.
        bits: k, the requirements a block must satisfy.
    """

    def __init__(self, workload: Workload, bits: int) -> None:
        self._workload, self._bits = workload, bits
        self._counted: tuple[State, Bits] | None = None  # the latest state whose accuracy was counted

    def attempt(self, parent: bytes, now: Standing, tell: Callable[[], None]) -> tuple[Standing, Header | None]:
        """Does one step, and looks whether it makes a block.

        Args:
            parent: id of the previous block.
            now: where the search stands.
            tell: called now and then during evaluations; what it raises ends the attempt.

        Returns:
            Where the search stands after the step, and the block if it makes one.

        Raises:
            RuleError: training diverged: a value is not finite.
        """
        workload, task = self._workload, self._workload.task
        drawn = seed(task.rules, task.id, parent, MINER, 0)
        required = requirements(task.rules, drawn, self._bits, task.eligible_count, task.mask_size)
        indices = batch(keccak(_FREE_BATCH + drawn + now.tries.to_bytes(8, "big")), task.batch_size, task.train_count)
        chosen = list(indices)
        result = workload.stepper.run(now.state, workload.train.images[chosen], workload.train.labels[chosen])
        if not result.finite:
            raise RuleError("training diverged: a value is not finite; use a smaller learning rate")
        meets = unmet(workload, required, now.state, result.post) is None
        after = replace(now, state=result.post, tries=now.tries + 1, candidates=now.candidates + meets)
        return after, self._block(parent, now, indices, result, tell) if meets else None

    def _block(
        self, parent: bytes, now: Standing, indices: tuple[int, ...], result: StepResult, tell: Callable[[], None]
    ) -> Header | None:
        """Everything the block claims, or None if W' is not better than W."""
        accuracy = AccuracyTree.of(self._correct(now.state, tell), self._correct(result.post, tell))
        if accuracy.root.after <= accuracy.root.before:
            return None
        return Header(
            parent=parent,
            miner=MINER,
            nonce=now.tries,
            indices=indices,
            segment_root=ZERO,
            pre_root=now.state.root,
            post_root=result.post.root,
            trace_root=result.trace.root,
            eval_root=accuracy.root.hash,
            correct_before=accuracy.root.before,
            correct_after=accuracy.root.after,
        )

    def _correct(self, state: State, tell: Callable[[], None]) -> Bits:
        """Which test samples a state classifies correctly."""
        if self._counted is None or self._counted[0] is not state:
            test = self._workload.test
            self._counted = state, self._workload.evaluator.correct(state, test.images, test.labels, lambda _: tell())
        return self._counted[1]
