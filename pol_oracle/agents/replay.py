"""A verifier's check of one block, in numbered steps, cheapest first.

1. Id: the header is the one its id commits to.
2. States: W and W' come from the store, with exact size and the header's roots.
3. Requirements: every weight in R moved its way. First, because the Court sees proof of the contrary by itself.
4. Batch: the samples that P names.
5. Step: W and W' are finite, and the canonical step on W and the batch is, and has the header's postRoot and traceRoot.
6. Accuracy: the canonical evaluation of W and W' has the header's counts and evalRoot.

What the registry checked at the proposal (indices, parent, accuracy against the parent) is not checked again. A
mismatch is a value; an exception means "could not replay" and never leads to a challenge of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pol_oracle.canonical.evaluate import eval_root
from pol_oracle.canonical.state import State
from pol_oracle.evidence import first_unmet, requirement_evidence
from pol_oracle.protocol.errors import WrongChain
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.store import StateStore
from pol_oracle.task import Workload, fetch_state

from .blocks import BlockView
from .verdicts import Verdict
from .worker import Cancelled


@dataclass(frozen=True)
class Replayer:
    """Replays blocks of one task.

    Attributes:
        workload: the task.
        store: where miners publish W and W'.
        accuracy: also do step 6, which is by far the dearest.
    """

    workload: Workload
    store: StateStore
    accuracy: bool = True

    def __call__(self, block: BlockView, cancelled: Callable[[], bool]) -> Verdict:
        """Replays one block.

        Args:
            block: a proposed block (not genesis).
            cancelled: asked now and then; True ends the replay with :class:`Cancelled`.

        Raises:
            StoreError: W or W' is not served.
            Cancelled: as asked.
            WrongChain: the header is not the block's.
        """
        header = block.header
        if header is None or header.id(self.workload.task.id) != block.id:  # step 1
            raise WrongChain(f"block {block.id.hex()} is not a block of this task: check the deployment file")
        pre = fetch_state(self.store, self.workload.model, header.pre_root)  # step 2
        post = fetch_state(self.store, self.workload.model, header.post_root)
        return (
            self._requirements(block, header, pre, post)
            or self._step(block, header, pre, post)
            or (self._accuracy(block, header, pre, post, cancelled) if self.accuracy else None)
            or Verdict(block.id)
        )

    def _requirements(self, block: BlockView, header: Header, pre: State, post: State) -> Verdict | None:
        number = first_unmet(self.workload, header, block.bits, pre, post)  # step 3
        if number is None:
            return None
        evidence = requirement_evidence(self.workload, header, block.bits, pre, post, number)
        return Verdict(block.id, EvidenceKind.REQUIREMENT, f"requirement {number} is not met", evidence)

    def _step(self, block: BlockView, header: Header, pre: State, post: State) -> Verdict | None:
        if not (pre.finite and post.finite):
            return Verdict(block.id, EvidenceKind.STEP, "a weight is not a finite number")
        chosen, train = list(header.indices), self.workload.train
        images, labels = train.images[chosen], train.labels[chosen]  # step 4
        result = self.workload.stepper.run(pre, images, labels)  # step 5
        if not result.finite:
            return Verdict(block.id, EvidenceKind.STEP, "the step is not finite")
        if result.post.root != header.post_root:
            return Verdict(block.id, EvidenceKind.STEP, "the step gives another W'")
        if result.trace.root != header.trace_root:
            return Verdict(block.id, EvidenceKind.STEP, "the step gives another trace")
        return None

    def _accuracy(
        self, block: BlockView, header: Header, pre: State, post: State, cancelled: Callable[[], bool]
    ) -> Verdict | None:
        def progress(_: int) -> None:
            if cancelled():
                raise Cancelled

        test, correct = self.workload.test, self.workload.evaluator.correct
        before = correct(pre, test.images, test.labels, progress)  # step 6
        after = correct(post, test.images, test.labels, progress)
        counts = int(before.sum()), int(after.sum())
        if counts != (header.correct_before, header.correct_after):
            claimed = f"{header.correct_before} and {header.correct_after}"
            reason = f"claims {claimed} correct, has {counts[0]} and {counts[1]}"
            return Verdict(block.id, EvidenceKind.ACCURACY, reason)
        if eval_root(before, after) != header.eval_root:
            return Verdict(block.id, EvidenceKind.ACCURACY, "the evaluation has another root")
        return None
