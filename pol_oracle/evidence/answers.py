"""Answers to demands: parts of a block's trees in the form that the contracts check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from pol_oracle.canonical.commitments.accuracy import AccuracyTree, Bits
from pol_oracle.canonical.commitments.segments import SegmentList
from pol_oracle.canonical.commitments.trees import leaves_of
from pol_oracle.canonical.programs.tree import ProgramTree
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import LEAF_GROUP, MAX_NODES, Item, Position, Tree
from pol_oracle.task import Segment, Workload

from .proofs import NO_SEGMENT, Answer, SegmentStep, TraceId
from .shown import Grounds
from .traced import Traced, traced


class Discloser(Protocol):
    """Who holds a block's trees."""

    def trace(self, trace: TraceId) -> Traced:
        """Returns one of the block's traces."""

    def steps(self) -> SegmentList:
        """Returns the hashes of its segment's steps."""

    def segment_step(self, trace: TraceId) -> SegmentStep:
        """Returns what a step of its segment starts and ends with; nothing for other traces."""

    def accuracy(self) -> AccuracyTree:
        """Returns the block's accuracy tree."""


def answer_to(position: Position, programs: ProgramTree, block: Discloser) -> Answer:
    """Answers a demand.

    Args:
        position: what is demanded.
        programs: of the task.
        block: holds what is demanded.

    Raises:
        InputError: it is about an explanation that is not the block's own evaluation.
    """
    if position.item is Item.BITS:
        return bits_answer(block.accuracy().words)
    if position.item is Item.STEPS:
        return Answer("revealSteps", (list(block.steps().hashes),))
    which = TraceId(position.tree, position.index)
    trace, segment = block.trace(which), block.segment_step(which).abi()
    opening = programs.open(position.tree, position.tensor).abi()
    if position.explains:
        return Answer("explain", (opening, list(trace.roots.tensors[len(trace.program.state) :])))
    if position.explanation not in (ZERO, trace.roots.root):
        raise InputError(f"{position} cannot be shown: the explanation that it is about is not this one")
    if position.item is Item.ROOTS:
        return Answer("revealRoots", (opening, list(trace.roots.tensors), segment))
    tree = trace.tree(position.tensor)
    if position.item is Item.NODES:
        level = next(nodes for nodes in tree.levels if len(nodes) <= MAX_NODES)
        nodes = [node.tobytes() for node in level]
        return Answer("revealNodes", (opening, nodes, b"".join(trace.roots.nodes([position.tensor])), segment))
    leaves = tree.open(position.tensor, group_of(tree.elements, position.group))
    return Answer("revealLeaves", (opening, trace.roots.open([leaves]).abi(), segment))


def bits_answer(words: bytes) -> Answer:
    """Answers a demand for bits with all leaves' words, 64 bytes each."""
    return Answer("revealBits", ([[words[at : at + 32], words[at + 32 : at + 64]] for at in range(0, len(words), 64)],))


def group_of(elements: int, group: int) -> range:
    """Returns the leaves of one group."""
    first = LEAF_GROUP * group
    return range(first, min(first + LEAF_GROUP, leaves_of(elements)))


@dataclass(frozen=True, eq=False)
class HonestDiscloser:
    """The trees of a right block, computed again from what it stands on.

    Attributes:
        workload: the task.
        header: the block.
        grounds: what it stands on.
        count: tells which test samples a state classifies correctly.
    """

    workload: Workload
    header: Header
    grounds: Grounds
    count: Callable[[State], Bits]

    @cached_property
    def _post(self) -> State:
        chosen, train = list(self.header.indices), self.workload.train
        return self.workload.stepper.run(self.grounds.pre, train.images[chosen], train.labels[chosen]).post

    def trace(self, trace: TraceId) -> Traced:
        """See :class:`Discloser`."""
        return traced(self.workload, self.header, trace, self._start(trace))

    def steps(self) -> SegmentList:
        """See :class:`Discloser`."""
        return self._segment.list

    def segment_step(self, trace: TraceId) -> SegmentStep:
        """See :class:`Discloser`."""
        if trace.tree is not Tree.SEGMENT:
            return NO_SEGMENT
        return self.grounds.segment_step(trace.index, self._segment.entries[trace.index], self.steps())

    def accuracy(self) -> AccuracyTree:
        """See :class:`Discloser`."""
        return AccuracyTree.of(self.count(self.grounds.pre), self.count(self._post))

    @property
    def _segment(self) -> Segment:
        if self.grounds.segment is None:
            raise InputError("under the paper's rules a block has no segment")
        return self.grounds.segment

    def _start(self, trace: TraceId) -> State:
        if trace.tree is Tree.SEGMENT:
            return self._segment.state_before(self.workload, trace.index)
        return self._post if trace.tree is Tree.AFTER else self.grounds.pre
