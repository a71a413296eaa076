"""From a candidate that torch found to a proof: the canonical step, then accuracy, cheapest check first.

    1. the canonical step is finite and meets floor(b) requirements, and one more if the hash of seed and postRoot says
       so                                                                      (protocol/difficulty.py)
    2. accuracy(W') > accuracy(W), or both are perfect                         W is counted once

On a GPU candidates are sorted out by the margin screen (screening.py) before 2; what is claimed is always counted
canonically, since W may have been made to deceive torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import StepResult
from pol_oracle.protocol.derivation import batch, requirements, seed, seed_head
from pol_oracle.protocol.difficulty import most_bits, needed_bits, whole_bits
from pol_oracle.protocol.errors import NotFinite
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.task import Workload, unmet
from pol_oracle.task.proof import Base, Proof, Watch

from .draws import NonceDraw, PassDraws, seed_rows
from .screening import ScreeningEvaluator

Bits = NDArray[np.bool_]


class Counter(Protocol):
    """What counts accuracy."""

    def correct(
        self,
        state: State,
        images: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        progress: Callable[[int], None] | None = None,
    ) -> Bits:
        """Returns which samples a state classifies correctly, bool [n]."""


def counters(workload: Workload, device: torch.device) -> tuple[Counter, ...]:
    """Returns what counts accuracy: the evaluator, on a GPU after the screen; on a CPU it costs little more itself."""
    if device.type != "cuda":
        return (workload.evaluator,)
    return ScreeningEvaluator(workload.evaluator, device), workload.evaluator


_FREE_BATCH = b"pol-free"  # the miner's own generator, where the rules leave P to it


@dataclass(frozen=True)
class SearchedBlock:
    """The block that is searched for.

    Attributes:
        workload: the task.
        parent: id of the block to build on.
        miner: address of the proposer, checksummed; proofs are worth nothing to another.
        difficulty: in 1/1024 bit.
    """

    workload: Workload
    parent: bytes
    miner: str
    difficulty: int


class Nonces:
    """What the nonces of a block demand.

    Args:
        block: what is searched for.
    """

    def __init__(self, block: SearchedBlock) -> None:
        self._block, task = block, block.workload.task
        self._bound = task.rules, task.id, block.parent, block.miner

    def draw(self, nonce: int) -> NonceDraw:
        """Returns R, as many as a block may need, and P of a nonce."""
        task, drawn = self._block.workload.task, seed(*self._bound, nonce)
        bits = most_bits(self._block.difficulty)
        required = requirements(task.rules, drawn, bits, task.eligible_count, task.mask_size)
        source = drawn
        if not task.rules.batch_from_seed:
            own = bytes.fromhex(self._block.miner[2:]) + nonce.to_bytes(8, "big")
            source = keccak(_FREE_BATCH + drawn + own)
        return NonceDraw(nonce, drawn, required, batch(source, task.batch_size, task.train_count))

    def draw_all(self, nonces: range) -> PassDraws:
        """Returns what some nonces demand of every block, under hardened rules."""
        rows = seed_rows(seed_head(*self._bound), nonces)
        return PassDraws.of(self._block.workload, rows, whole_bits(self._block.difficulty))


class CandidateCheck:
    """What candidates on one W are measured against.

    Args:
        block: what is searched for.
        base: W, and what leads to it.
        counters: what counts accuracy, in turn: a proof claims what the last one says, which must be the evaluator.
    """

    def __init__(self, block: SearchedBlock, base: Base, counters: Sequence[Counter]) -> None:
        self.block, self.base = block, base
        self._counters, self._before = counters, dict[Counter, Bits]()

    def confirm(self, draw: NonceDraw, watch: Watch) -> Proof | None:
        """Takes a candidate through all checks; returns the proof if it passes them.

        Raises:
            NotFinite: the evaluation of a W that all candidates share is not finite: none can pass.
        """
        workload, chosen = self.block.workload, list(draw.indices)
        result = workload.stepper.run(self.base.state, workload.train.images[chosen], workload.train.labels[chosen])
        if not result.finite or not self._meets(draw, result):
            return None
        watch.count(confirmed=1)
        try:
            accuracy = self._accuracy(result.post, watch)
        except NotFinite:  # such a W cannot stand in a block
            if workload.rules.derived_state:
                raise
            return None
        if accuracy is None:
            return None
        return Proof(self._header(draw, result, accuracy), self.base.state, result.post, accuracy)

    def _meets(self, draw: NonceDraw, result: StepResult) -> bool:
        difficulty = self.block.difficulty
        first = unmet(self.block.workload, draw.required, self.base.state, result.post)
        if first is None or first < whole_bits(difficulty):
            return first is None
        return first >= needed_bits(difficulty, draw.seed, result.post.root)

    def _accuracy(self, post: State, watch: Watch) -> AccuracyTree | None:
        """Which samples W and W' classify correctly; None if W' is not good enough."""
        before = after = np.zeros(0, np.bool_)
        for counter in self._counters:
            if counter not in self._before:
                self._before[counter] = self._count(counter, self.base.state, watch)
            before = self._before[counter]
            try:
                after = self._count(counter, post, watch)
            except NotFinite:  # nor can such a W'
                return None
            watch.note(before=int(before.sum()), correct=int(after.sum()))
            if after.sum() <= before.sum() and not after.all():
                return None
        return AccuracyTree.of(before, after)

    def _count(self, counter: Counter, state: State, watch: Watch) -> Bits:
        test = self.block.workload.test
        return counter.correct(state, test.images, test.labels, watch.evaluating)

    def _header(self, draw: NonceDraw, result: StepResult, accuracy: AccuracyTree) -> Header:
        """Everything the block claims."""
        return Header(
            parent=self.block.parent,
            miner=self.block.miner,
            nonce=draw.nonce,
            indices=draw.indices,
            segment_root=self.base.segment_root,
            pre_root=self.base.state.root,
            post_root=result.post.root,
            trace_root=result.trace.root,
            eval_root=accuracy.root.hash,
            correct_before=accuracy.root.before,
            correct_after=accuracy.root.after,
        )
