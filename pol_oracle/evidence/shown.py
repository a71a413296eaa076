"""What was shown of a block's trees, by answers on L1. The contract checked each against a root of the header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from eth_abi.abi import decode

from pol_oracle.canonical.commitments.accuracy import AccuracyTree, Bits, bits_of
from pol_oracle.canonical.commitments.segments import SegmentEntry, SegmentList
from pol_oracle.canonical.commitments.trees import LEAF, Opening, Slice, TensorTree, leaves_of
from pol_oracle.canonical.programs.traces import TraceRoots
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import LEAF_GROUP, Item, MissingItem, Position, Tree
from pol_oracle.task import Segment, Workload

from .proofs import NO_SEGMENT, FraudProof, SegmentStep, TraceId
from .traced import Traced

Shown = Mapping[Position, bytes]
"""Position -> what was shown, ABI-encoded by the contract."""

_BITS, _STEPS = Position(Item.BITS), Position(Item.STEPS)
_WHOSE = {
    Tree.STEP: "its trace",
    Tree.SEGMENT: "a step of its segment",
    Tree.BEFORE: "an evaluation of W",
    Tree.AFTER: "an evaluation of W'",
}

ANSWER_TYPES = {
    Item.ROOTS: ["bytes", "bytes32[]"],  # a program and roots
    Item.NODES: ["bytes", "bytes32[]", "bytes"],  # a program, nodes and their path
    Item.LEAVES: ["bytes", "bytes"],  # a program and an opening
    Item.BITS: ["bytes32[2][]"],
    Item.STEPS: ["bytes32[]"],
}


@dataclass(frozen=True, eq=False)
class Grounds:
    """What a block stands on: all that its miner had no say in, except for W under the paper's rules.

    Attributes:
        pre: W.
        segment: that leads to W; None under the paper's rules, where W is the miner's.
        parent: header of the parent; None if that is genesis.
    """

    pre: State
    segment: Segment | None = None
    parent: Header | None = None

    def segment_step(self, step: int, entry: SegmentEntry, listed: SegmentList) -> SegmentStep:
        """Returns what leads from a step of the segment to the root of a list that agrees with our own before it.

        Args:
            step: its number.
            entry: of the step, in that list.
            listed: the list.
        """
        before = () if self.segment is None else self.segment.entries[max(step - 1, 0) : step]
        return SegmentStep(self.parent if step == 0 else None, (*before, entry), listed.path(step))


@dataclass(frozen=True, eq=False)
class ClaimedTrace:
    """A trace as a block's miner, or the author of an explanation, claims it.

    Attributes:
        header: the block.
        trace: which of its traces.
        roots: of the trace's tensors.
        segment: what it starts and ends with, if it is a step of the segment.
    """

    header: Header
    trace: TraceId
    roots: TraceRoots
    segment: SegmentStep = NO_SEGMENT

    @property
    def explanation(self) -> Position | None:
        """What it explains, and its trace root; None for a step, which the block itself commits to."""
        return replace(self.trace.position, explanation=self.roots.root) if self.trace.tree.evaluates else None

    def proof(self, function: str, evidence: tuple[Any, ...]) -> FraudProof:
        """Returns the Court call with evidence about this trace."""
        arguments = self.header.astuple(), self.trace.abi(), self.segment.abi(), evidence
        explanation = self.explanation
        return FraudProof(EvidenceKind.STEP if explanation is None else None, function, arguments, explanation)


@dataclass(frozen=True, eq=False)
class ShownTrees:
    """One block's trees as far as they are shown. What is not is returned as what has to be demanded.

    Attributes:
        workload: the task.
        header: the block.
        grounds: what it stands on.
        answers: on L1.
    """

    workload: Workload
    header: Header
    grounds: Grounds
    answers: Shown

    def missing(self, reason: str, *positions: Position) -> MissingItem | None:
        """Returns the first of some positions that is not shown, if there is one.

        Args:
            reason: why they are looked at, one clause.
            positions: each of them below the one before.
        """
        lacks = next((position for position in positions if position not in self.answers), None)
        return None if lacks is None else MissingItem(lacks, self._opening(lacks), reason)

    def steps(self, own: Segment) -> SegmentList | MissingItem:
        """Returns the hashes of the segment's steps that the header commits to."""
        if self.header.segment_root == own.root:
            return own.list
        return self.missing("its segment is another one", _STEPS) or SegmentList(tuple(self._answer(_STEPS)[0]))

    def claimed(self, trace: TraceId, state: State) -> ClaimedTrace | MissingItem:
        """Returns a claimed trace, the roots of whose tensors were shown.

        Args:
            trace: which one.
            state: that it starts from.
        """
        reason = f"{_WHOSE[trace.tree]} is another one"  # L1 wants what is above shown, also where it is our own
        if lacks := self.missing(reason, *trace.position.above, trace.position):
            return lacks
        program, (_, shown) = self.workload.programs.program(trace.tree), self._answer(trace.position)
        roots = TraceRoots(program, (*(state.tensor_roots if trace.tree.evaluates else ()), *shown))
        return ClaimedTrace(self.header, trace, roots, self._segment_step(trace, roots))

    def own(self, trace: TraceId, own: Traced) -> ClaimedTrace:
        """Returns a trace that is claimed as we compute it."""
        return ClaimedTrace(self.header, trace, own.roots, self._segment_step(trace, own.roots))

    @property
    def bits(self) -> tuple[Bits, Bits] | None:
        """W's and W''s bits, as claimed; None as long as they are not shown."""
        if _BITS not in self.answers:
            return None
        (pairs,) = self._answer(_BITS)
        words = b"".join(left + right for left, right in pairs)
        return bits_of(words, self.workload.task.test_count)

    def accuracy(self) -> AccuracyTree | MissingItem:
        """Returns the accuracy tree."""
        if self.bits is None:
            return MissingItem(_BITS, self._opening(_BITS), "its evaluation has other bits")
        return AccuracyTree.of(*self.bits)

    def wrong_leaf(self, claim: ClaimedTrace, tensor: int, own: Traced) -> Slice | MissingItem:
        """Opens the first leaf of a tensor that is not our own.

        Args:
            claim: the claimed trace.
            tensor: a tensor whose root differs from our own.
            own: our own trace.
        """
        tree, trace = own.tree(tensor), claim.explanation or claim.trace.position
        group, reason = 0, f"its tensor {tensor} is another one"
        if leaves_of(tree.elements) > LEAF_GROUP:
            below = replace(trace, item=Item.NODES, tensor=tensor)
            if lacks := self.missing(reason, below):
                return lacks
            _, nodes, _ = self._answer(below)
            group = _first_wrong_group(nodes, tree)
        below = replace(trace, item=Item.LEAVES, tensor=tensor, group=group)
        if lacks := self.missing(reason, below):
            return lacks
        _, opening = self._answer(below)
        (leaves,) = Opening.of(opening).slices
        return first_wrong_leaf(leaves, tree)

    def _segment_step(self, trace: TraceId, roots: TraceRoots) -> SegmentStep:
        """What leads from a claimed step to the segment's root; all steps before it are our own."""
        segment = self.grounds.segment
        if trace.tree is not Tree.SEGMENT or segment is None:
            return NO_SEGMENT
        entry = SegmentEntry(roots.batch_root, roots.inner_root, roots.post_root)
        listed = self.steps(segment)
        assert isinstance(listed, SegmentList)  # shown before any of its steps, or our own
        return self.grounds.segment_step(trace.index, entry, listed)

    def _answer(self, position: Position) -> tuple[Any, ...]:
        return tuple(decode(ANSWER_TYPES[position.item], self.answers[position]))

    def _opening(self, position: Position) -> tuple[Any, ...]:
        """What L1 wants to see with a demand."""
        if position.explains:
            tree = self.accuracy()
            assert isinstance(tree, AccuracyTree)  # its bits are shown before any is explained
            return tree.open(position.index)
        tensors = position.item in (Item.NODES, Item.LEAVES)
        return (self.workload.programs.open(position.tree, position.tensor).abi() if tensors else b"",)


def first_wrong_leaf(claimed: Slice, own: TensorTree) -> Slice:
    """Returns the opening of the first of some leaves that is not our own.

    Raises:
        InputError: they all are.
    """
    mine = own.open(claimed.tensor, claimed.places)
    for at, leaf in enumerate(claimed.places):
        part = slice(4 * LEAF * at, 4 * LEAF * (at + 1))
        if claimed.leaves[part] != mine.leaves[part]:
            return claimed.narrow(leaf)
    raise InputError(f"all shown leaves of tensor {claimed.tensor} are right")


def _first_wrong_group(nodes: list[bytes], tree: TensorTree) -> int:
    """The group of leaves below the first node that is not our own."""
    level = next(i for i, own in enumerate(tree.levels) if len(own) == len(nodes))
    for place, node in enumerate(nodes):
        if node != tree.levels[level][place].tobytes():
            return (place << level) // LEAF_GROUP
    raise InputError("all shown nodes are right")
