"""A verifier's check of one block, in numbered steps, cheapest first.

1. Id: the header is the one its id commits to.
2. W: by replay from the parent's W' (under the paper's rules: from the store).
3. Segment: it has the header's segmentRoot, ends in its preRoot, and is finite.
4. Step: the canonical step on W and the batch that P names is finite and has the header's postRoot and traceRoot.
5. Requirements: all of R are met. Proven first, because it needs no trace.
6. Accuracy: the canonical evaluation of W and W' has the header's counts and evalRoot. Where the bits were shown, the
   first one that is wrong is enough.
7. Explanations that stand: what others claim, under their own names, of the evaluations of a right block. A false one
   does the block no harm, so nothing is demanded of it: it is refuted if what is wrong with it was shown.
8. What follows: the segment after the block is finite, and so is the evaluation of its end, or nobody can build on it.

What the registry checked at the proposal (indices, parent, the counts' order) is not checked again. A mismatch is a
value: an invalid block with its proof, or what must be demanded on L1 first: one position, a child of what was shown.
An exception means "could not replay" and says nothing about the block.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.evidence import (
    Finding,
    FraudProof,
    Grounds,
    Shown,
    ShownTrees,
    TraceId,
    find_accuracy_fault,
    find_evaluation_fault,
    find_explanation_fault,
    find_segment_fault,
    find_step_fault,
    first_unmet,
    requirement_proof,
)
from pol_oracle.protocol.errors import NotFinite, WrongChain
from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.positions import MissingItem, Position, Tree
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Chain, Lineage

from ..rules.verdicts import Invalid, Unavailable, Valid, Verdict
from .follow import Ask, Follower

_EXPLANATIONS = 1024  # that were looked at are remembered
Fault = tuple[str, Finding]
"""What is wrong, one clause for people, and the proof of it, or what it takes."""


class Replayer:
    """Replays blocks of one task.

    Args:
        follower: computes what blocks stand on.
        accuracy: also do step 6, which may be by far the most expensive.
    """

    def __init__(self, follower: Follower, accuracy: bool = True) -> None:
        self.follower = follower
        self._accurate = accuracy
        self._looked_at: dict[tuple[bytes, Position, bytes, int], None] = {}  # with how much was shown of them

    def __call__(self, block: BlockView, lineage: Lineage, answers: Shown, cancelled: Ask) -> Verdict:
        """Replays one block.

        Args:
            block: a proposed block (not genesis).
            lineage: of its parent, which was found right.
            answers: what was shown of it on L1.
            cancelled: asked now and then; True ends the replay with :class:`Cancelled`.

        Raises:
            StoreError: the paper's rules, and W is not served.
            Cancelled: as asked.
            WrongChain: the header is not the block's.
        """
        header, workload = block.header, self.follower.workload
        if header is None or header.id(workload.task.id) != block.id:  # step 1
            raise WrongChain(f"block {block.id.hex()} is not a block of this task: check the deployment file")
        grounds = self.follower.grounds(header, lineage, cancelled)  # step 2
        shown = ShownTrees(workload, header, grounds, answers)
        chosen = list(header.indices)
        if fault := self._segment_fault(shown, grounds):
            return _wrong(block, fault)
        result = workload.stepper.run(grounds.pre, workload.train.images[chosen], workload.train.labels[chosen])
        same = (result.trace.root, result.post.root) == (header.trace_root, header.post_root)
        fault = self._step_fault(block, shown, result.post, same=same, finite=result.finite)
        if fault is None and self._accurate:
            fault = self._accuracy_fault(shown, result.post, cancelled)
        if fault is not None:
            return _wrong(block, fault)
        self.follower.keep(result.post)
        false_explanation = self._false_explanation(block, shown, result.post)
        dead_end = not self._goes_on(block, Chain(lineage, header), cancelled)  # step 8
        return Valid(block.id, dead_end, false_explanation)

    def _segment_fault(self, shown: ShownTrees, grounds: Grounds) -> Fault | None:
        segment, header = grounds.segment, shown.header
        if segment is None:
            return None
        same = (segment.root, segment.end.root) == (header.segment_root, header.pre_root)
        if same and segment.finite:  # step 3
            return None
        what = "is not finite" if same else "is another one"
        return f"the segment before it {what}", find_segment_fault(shown, segment)

    def _step_fault(
        self, block: BlockView, shown: ShownTrees, post: State, *, same: bool, finite: bool
    ) -> Fault | None:
        header, workload, pre = shown.header, self.follower.workload, shown.grounds.pre
        if post.root == header.post_root:
            number = first_unmet(workload, header, block.difficulty, pre, post)  # step 5
            if number is not None:
                proof = requirement_proof(workload, header, block.difficulty, pre, post, number)
                return f"requirement {number} is not met", proof
        if same and finite:  # step 4
            return None
        what = "a result that is not finite" if same else "another W' or another trace"
        return f"the step gives {what}", find_step_fault(shown, same=same)

    def _accuracy_fault(self, shown: ShownTrees, post: State, cancelled: Ask) -> Fault | None:
        header, claimed, sides = shown.header, shown.bits, []
        for side, (tree, state) in enumerate(((Tree.BEFORE, shown.grounds.pre), (Tree.AFTER, post))):  # step 6
            try:
                bits = self.follower.count(state, cancelled, None if claimed is None else claimed[side])
            except NotFinite as error:
                return str(error), find_evaluation_fault(shown, TraceId(tree, error.sample), state)
            if claimed is not None and (wrong := np.flatnonzero(bits != claimed[side])).size:
                trace = TraceId(tree, int(wrong[0]))
                return f"its bit of sample {trace.index} is wrong", find_evaluation_fault(shown, trace, state)
            sides.append(bits)
        own = AccuracyTree.of(sides[0], sides[1]).root
        claims = header.correct_before, header.correct_after
        if (own.hash, own.before, own.after) == (header.eval_root, *claims):
            return None
        reason = f"claims {claims[0]} and {claims[1]} correct, has {own.before} and {own.after}"
        return reason, find_accuracy_fault(shown, post, (sides[0], sides[1]))

    def _false_explanation(self, block: BlockView, shown: ShownTrees, post: State) -> Invalid | None:
        """The block is right: looks for an explanation that is not, where more than its roots was shown."""
        more = Counter((p.tree, p.index) for p in shown.answers if p.explanation != ZERO)
        for position in sorted(p for p in shown.answers if p.explains and more[p.tree, p.index]):  # step 7
            key = block.id, position, keccak(shown.answers[position]), more[position.tree, position.index]
            if key in self._looked_at:
                continue
            trace = TraceId(position.tree, position.index)
            state = post if trace.tree is Tree.AFTER else shown.grounds.pre
            found = find_explanation_fault(shown, trace, state)
            if isinstance(found, FraudProof):
                return Invalid(block.id, f"a false explanation of sample {trace.index}", found)
            self._looked_at[key] = None
            while len(self._looked_at) > _EXPLANATIONS:
                del self._looked_at[next(iter(self._looked_at))]
        return None

    def _goes_on(self, block: BlockView, lineage: Lineage, cancelled: Ask) -> bool:
        if not self.follower.workload.rules.derived_state:
            return True
        segment = self.follower.segment(block.id, lineage, cancelled)
        if not segment.finite:
            return False
        if self._accurate:
            try:
                self.follower.count(segment.end, cancelled)  # its children's correctBefore
            except NotFinite:
                return False
        return True


def _wrong(block: BlockView, fault: Fault) -> Invalid | Unavailable:
    reason, found = fault
    return _accusation(block, found.reason if isinstance(found, MissingItem) else reason, found)


def _accusation(block: BlockView, reason: str, found: Finding) -> Invalid | Unavailable:
    if isinstance(found, MissingItem):
        return Unavailable(block.id, reason, found)
    return Invalid(block.id, reason, found)
