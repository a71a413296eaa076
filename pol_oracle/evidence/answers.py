"""Answers to demands: parts of a block's trees in the form that ``Demands`` checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from pol_oracle.canonical.accuracy import AccuracyTree
from pol_oracle.canonical.programs import ProgramTree
from pol_oracle.canonical.state import State
from pol_oracle.canonical.trees import leaves_of
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import LEAF_GROUP, MAX_NODES, Item, Position, Tree
from pol_oracle.task import Workload

from .proofs import Answer
from .traced import Traced, traced_sample, traced_step


class Discloser(Protocol):
    """Who holds a block's trees."""

    def trace(self, tree: Tree, sample: int) -> Traced:
        """Returns one of the block's traces."""

    def accuracy(self) -> AccuracyTree:
        """Returns the block's accuracy tree."""


def answer_to(position: Position, programs: ProgramTree, block: Discloser) -> Answer:
    """Answers a demand.

    Args:
        position: what is demanded.
        programs: of the task.
        block: holds what is demanded.
    """
    if position.item is Item.BITS:
        return bits_answer(block.accuracy().words)
    trace = block.trace(position.tree, position.sample)
    opening = programs.open(position.tree, position.tensor).abi()
    if position.item is Item.ROOTS:
        shown = trace.roots.tensors[0 if position.tree is Tree.STEP else len(trace.program.state) :]
        return Answer("revealRoots", (opening, list(shown)))
    tree = trace.tree(position.tensor)
    if position.item is Item.NODES:
        level = next(nodes for nodes in tree.levels if len(nodes) <= MAX_NODES)
        nodes = [node.tobytes() for node in level]
        return Answer("revealNodes", (opening, nodes, b"".join(trace.roots.nodes([position.tensor]))))
    leaves = tree.open(position.tensor, group_of(tree.elements, position.group))
    return Answer("revealLeaves", (opening, trace.roots.open([leaves]).abi()))


def bits_answer(words: bytes) -> Answer:
    """Answers a demand for bits with all leaves' words, 64 bytes each."""
    return Answer("revealBits", ([[words[at : at + 32], words[at + 32 : at + 64]] for at in range(0, len(words), 64)],))


def group_of(elements: int, group: int) -> range:
    """Returns the leaves of one group."""
    first = LEAF_GROUP * group
    return range(first, min(first + LEAF_GROUP, leaves_of(elements)))


@dataclass(frozen=True, eq=False)
class HonestDiscloser:
    """The trees of a right block, computed again from its W.

    Attributes:
        workload: the task.
        header: the block.
        pre: W.
        cancelled: asked now and then while the test set is evaluated; raises to stop.
    """

    workload: Workload
    header: Header
    pre: State
    cancelled: Callable[[int], None] = lambda _: None

    @cached_property
    def _step(self) -> Traced:
        return traced_step(self.workload, self.header, self.pre)

    @cached_property
    def _post(self) -> State:
        chosen, train = list(self.header.indices), self.workload.train
        return self.workload.stepper.run(self.pre, train.images[chosen], train.labels[chosen]).post

    def trace(self, tree: Tree, sample: int) -> Traced:
        """See :class:`Discloser`."""
        if tree is Tree.STEP:
            return self._step
        return traced_sample(self.workload, self._post if tree is Tree.AFTER else self.pre, sample)

    def accuracy(self) -> AccuracyTree:
        """See :class:`Discloser`."""
        test, correct = self.workload.test, self.workload.evaluator.correct
        sides = [correct(s, test.images, test.labels, self.cancelled) for s in (self.pre, self._post)]
        return AccuracyTree.of(*sides)
