"""A verifier's check of one block, in numbered steps, cheapest first.

1. Id: the header is the one its id commits to.
2. W: from the store, with the header's root; on L1, if it is not served and the caller insists.
3. Step: the canonical step on W and the batch that P names is finite and has the header's postRoot and traceRoot.
4. Requirements: every weight in R moved its way in W'. Proven first, because it needs no trace.
5. Accuracy: the canonical evaluation of W and W' has the header's counts and evalRoot.

What the registry checked at the proposal (indices, parent, accuracy against the parent) is not checked again. A
mismatch is a value: a verdict with a proof, or with what must be demanded on L1 before there can be one. An exception
means "could not replay" and never leads to a challenge of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from pol_oracle.canonical.accuracy import AccuracyTree, Bits
from pol_oracle.canonical.state import State
from pol_oracle.evidence import (
    FraudProof,
    Shown,
    ShownTrees,
    TraceId,
    find_accuracy_fault,
    find_evaluation_fault,
    find_step_fault,
    first_unmet,
    requirement_proof,
)
from pol_oracle.protocol.errors import NotFinite, StoreError, Unshown, WrongChain
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree
from pol_oracle.store import StateStore
from pol_oracle.task import Workload

from .blocks import BlockView
from .verdicts import Verdict
from .worker import Cancelled

log = structlog.get_logger(__name__)

_KEPT_COUNTS = 8  # evaluations remembered, by state root: what is demanded comes back block by block


class Replayer:
    """Replays blocks of one task.

    Args:
        workload: the task.
        store: where miners publish.
        accuracy: also do step 5, which is by far the dearest.
        keep: given W of every block, and the correct-bits of those found right, by root. Whoever served them may stop:
            a replay that goes on after an answer needs W again, and who attests may have to show both.
    """

    def __init__(
        self,
        workload: Workload,
        store: StateStore,
        accuracy: bool = True,
        keep: Callable[[Mapping[bytes, bytes]], None] = lambda _: None,
    ) -> None:
        self.workload = workload
        self.store = store
        self._accurate = accuracy
        self._keep = keep
        self._counts: dict[bytes, Bits] = {}

    def __call__(self, block: BlockView, answers: Shown, insist: bool, cancelled: Callable[[], bool]) -> Verdict:
        """Replays one block.

        Args:
            block: a proposed block (not genesis).
            answers: what was shown of it on L1.
            insist: demand W on L1 if it is not served.
            cancelled: asked now and then; True ends the replay with :class:`Cancelled`.

        Raises:
            StoreError: W is not served, and the caller does not insist.
            Cancelled: as asked.
            WrongChain: the header is not the block's.
        """
        header = block.header
        if header is None or header.id(self.workload.task.id) != block.id:  # step 1
            raise WrongChain(f"block {block.id.hex()} is not a block of this task: check the deployment file")
        shown = ShownTrees(self.workload, header, self.store, answers)
        try:
            pre = shown.pre(insist)  # step 2
            self._keep_weights(header, pre)
            fault = self._fault(block, shown, pre, cancelled)
        except Unshown as error:
            return Verdict(block.id, EvidenceKind.WITHHELD, str(error), demands=error.positions)
        if fault is None:
            self._keep({header.pre_root: pre.to_bytes(), **self._words(header)})
            return Verdict(block.id)
        reason, proof = fault
        return Verdict(block.id, proof.kind, reason, proof)

    def _keep_weights(self, header: Header, pre: State) -> None:
        """Keeps W before anything is known of the block. A full disk must not save one that is wrong."""
        try:
            self._keep({header.pre_root: pre.to_bytes()})
        except StoreError as error:
            log.warning("cannot keep weights", root=header.pre_root.hex(), reason=str(error))

    def _fault(
        self, block: BlockView, shown: ShownTrees, pre: State, cancelled: Callable[[], bool]
    ) -> tuple[str, FraudProof] | None:
        header, train = shown.header, self.workload.train
        chosen = list(header.indices)
        result = self.workload.stepper.run(pre, train.images[chosen], train.labels[chosen])  # step 3
        same = result.post.root == header.post_root
        post = result.post if same else shown.post()
        if post is not None:
            number = first_unmet(self.workload, header, block.difficulty, pre, post)  # step 4
            if number is not None:
                proof = requirement_proof(self.workload, header, block.difficulty, pre, post, number)
                return f"requirement {number} is not met", proof
        if not (same and result.finite and result.trace.root == header.trace_root):
            what = "a result that is not finite" if same and not result.finite else "another W' or another trace"
            return f"the step gives {what}", find_step_fault(shown, pre, post)
        return self._accuracy_fault(shown, pre, result.post, cancelled) if self._accurate else None

    def _accuracy_fault(
        self, shown: ShownTrees, pre: State, post: State, cancelled: Callable[[], bool]
    ) -> tuple[str, FraudProof] | None:
        def progress(_: int) -> None:
            if cancelled():
                raise Cancelled

        header, sides = shown.header, []
        for tree, state in ((Tree.BEFORE, pre), (Tree.AFTER, post)):  # step 5
            try:
                sides.append(self._count(state, progress))
            except NotFinite as error:
                return str(error), find_evaluation_fault(shown, TraceId(tree, error.sample), state)
        own = AccuracyTree.of(sides[0], sides[1]).root
        claims = header.correct_before, header.correct_after
        if (own.hash, own.before, own.after) == (header.eval_root, *claims):
            return None
        reason = f"claims {claims[0]} and {claims[1]} correct, has {own.before} and {own.after}"
        return reason, find_accuracy_fault(shown, pre, post, (sides[0], sides[1]))

    def _words(self, header: Header) -> dict[bytes, bytes]:
        """The accuracy tree's words of a right block, if they were counted."""
        sides = [self._counts.get(root) for root in (header.pre_root, header.post_root)]
        if sides[0] is None or sides[1] is None:
            return {}
        return {header.eval_root: AccuracyTree.of(sides[0], sides[1]).words}

    def _count(self, state: State, progress: Callable[[int], None]) -> Bits:
        if state.root not in self._counts:
            test = self.workload.test
            bits = self.workload.evaluator.correct(state, test.images, test.labels, progress)
            while len(self._counts) >= _KEPT_COUNTS:
                del self._counts[next(iter(self._counts))]
            self._counts[state.root] = bits
        return self._counts[state.root]
