"""From a candidate that torch found to a proof: the canonical step, then accuracy, cheapest check first.

    1. the canonical step is finite and meets floor(b) requirements, and one more if the hash of seed and postRoot says
       so                                                                      (protocol/difficulty.py)
    2. accuracy(W') > accuracy(W), or both are perfect                         W is counted once

On a GPU candidates are sorted out by the margin screen (screening.py) before 2; what is claimed is always counted
canonically, since W may have been made to deceive torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import StepResult
from pol_oracle.protocol.difficulty import needed_bits, whole_bits
from pol_oracle.protocol.errors import NotFinite
from pol_oracle.protocol.header import Header
from pol_oracle.task import Workload, unmet
from pol_oracle.task.proof import Base, Job, Proof, Watch

from .draws import NonceDraw
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


class CandidateCheck:
    """What candidates on one W are measured against.

    Args:
        workload: the task.
        job: what is searched for.
        base: W, and what leads to it.
        counters: what counts accuracy, in turn: a proof claims what the last one says, which must be the evaluator.
    """

    def __init__(self, workload: Workload, job: Job, base: Base, counters: Sequence[Counter]) -> None:
        self._workload, self._job, self._base = workload, job, base
        self._counters, self._before = counters, dict[Counter, Bits]()

    def on(self, state: State) -> CandidateCheck:
        """Returns the same check on another W."""
        return CandidateCheck(self._workload, self._job, replace(self._base, state=state), self._counters)

    def confirm(self, draw: NonceDraw, watch: Watch) -> Proof | None:
        """Takes a candidate through all checks; returns the proof if it passes them.

        Raises:
            NotFinite: the evaluation of a W that all candidates share is not finite: none can pass.
        """
        workload, chosen = self._workload, list(draw.indices)
        result = workload.stepper.run(self._base.state, workload.train.images[chosen], workload.train.labels[chosen])
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
        return Proof(self._header(draw, result, accuracy), self._base.state, result.post, accuracy)

    def _meets(self, draw: NonceDraw, result: StepResult) -> bool:
        difficulty = self._job.difficulty
        first = unmet(self._workload, draw.required, self._base.state, result.post)
        if first is None or first < whole_bits(difficulty):
            return first is None
        return first >= needed_bits(difficulty, draw.seed, result.post.root)

    def _accuracy(self, post: State, watch: Watch) -> AccuracyTree | None:
        """Which samples W and W' classify correctly; None if W' is not good enough."""
        before = after = np.zeros(0, np.bool_)
        for counter in self._counters:
            if counter not in self._before:
                self._before[counter] = self._count(counter, self._base.state, watch)
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
        test = self._workload.test
        return counter.correct(state, test.images, test.labels, watch.evaluating)

    def _header(self, draw: NonceDraw, result: StepResult, accuracy: AccuracyTree) -> Header:
        """Everything the block claims."""
        return Header(
            parent=self._job.parent,
            miner=self._job.miner,
            nonce=draw.nonce,
            indices=draw.indices,
            segment_root=self._base.segment_root,
            pre_root=self._base.state.root,
            post_root=result.post.root,
            trace_root=result.trace.root,
            eval_root=accuracy.root.hash,
            correct_before=accuracy.root.before,
            correct_after=accuracy.root.after,
        )
