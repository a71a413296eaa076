"""What a miner has shown of its block: in the store, or by answers on L1.

Everything here was checked against a root: by us if it came from the store, by the contract if it was an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from eth_abi.abi import decode

from pol_oracle.canonical.accuracy import AccuracyTree, bits_of, words_size
from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State
from pol_oracle.canonical.traces import TraceRoots
from pol_oracle.canonical.trees import LEAF, Opening, Slice, TensorTree, leaves_of
from pol_oracle.protocol.errors import InputError, StoreError, Unshown
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import LEAF_GROUP, Item, Position, Tree
from pol_oracle.store import StateStore
from pol_oracle.task import Workload, fetch_state

from .proofs import TraceId
from .traced import Traced

Shown = Mapping[Position, bytes]
"""Position -> what was shown, ABI-encoded by the contract."""

ANSWER_TYPES = {
    Item.ROOTS: ["bytes", "bytes32[]"],  # a program and roots
    Item.NODES: ["bytes", "bytes32[]", "bytes"],  # a program, nodes and their path
    Item.LEAVES: ["bytes", "bytes"],  # a program and an opening
    Item.BITS: ["bytes32[2][]"],
}


@dataclass(frozen=True, eq=False)
class ShownTrees:
    """One block's trees as far as they are shown. Every method raises :class:`Unshown` for what is not.

    Attributes:
        workload: the task.
        header: the block.
        store: where miners publish.
        answers: on L1.
    """

    workload: Workload
    header: Header
    store: StateStore
    answers: Shown

    def pre(self, insist: bool) -> State:
        """Returns W.

        Args:
            insist: demand it if it is not served: all pieces at once, since a few demands only can be made after the
                window.

        Raises:
            StoreError: it is not served, and the caller does not insist.
        """
        root = self.header.pre_root
        if root == self.workload.initial.root:
            return self.workload.initial
        try:
            return fetch_state(self.store, self.workload.model, root)
        except StoreError as error:
            if not insist:
                raise
            return self._demanded_state(str(error))

    def post(self) -> State | None:
        """Returns W' if it is served; it can be computed from W."""
        try:
            return fetch_state(self.store, self.workload.model, self.header.post_root)
        except StoreError:
            return None

    def roots(self, trace: TraceId, pre: State, post: State | None) -> TraceRoots:
        """Returns the roots of all tensors of a claimed trace.

        Args:
            trace: which one.
            pre: the state it starts from.
            post: the claimed new state of a step, if it is known.
        """
        program = self.workload.programs.program(trace.tree)
        if trace.tree is Tree.STEP and post is not None:
            served = self._served_roots(pre, post)
            if served is not None:
                return served
        position = Position(Item.ROOTS, trace.tree, trace.sample)
        _, shown = self._answer(position, "the roots of its trace are not served")
        known = () if trace.tree is Tree.STEP else pre.tensor_roots
        return TraceRoots(program, (*known, *shown))

    def accuracy(self) -> AccuracyTree:
        """Returns the accuracy tree; served words have its root, but perhaps not the header's sums."""
        samples = self.workload.task.test_count
        words = self.words()
        if words is None:
            (pairs,) = self._answer(Position(Item.BITS), "the bits of its evaluation are not served")
            words = b"".join(left + right for left, right in pairs)
        return AccuracyTree.of(*bits_of(words, samples))

    def wrong_leaf(self, trace: TraceId, tensor: int, own: Traced, roots: TraceRoots) -> Slice:
        """Opens the first leaf of a tensor that is not our own.

        Args:
            trace: which trace.
            tensor: a tensor whose root differs from our own.
            own: our own trace.
            roots: of the claimed trace.
        """
        tree = own.tree(tensor)
        group = 0
        if leaves_of(tree.elements) > LEAF_GROUP:
            position = Position(Item.NODES, trace.tree, trace.sample, tensor)
            _, nodes, _ = self._answer(position, f"the nodes of tensor {tensor} are not served")
            group = _first_wrong_group(nodes, tree)
        position = Position(Item.LEAVES, trace.tree, trace.sample, tensor, group)
        return first_wrong_leaf(self._leaves(position, f"the leaves of tensor {tensor} are not served"), tree)

    def _answer(self, position: Position, reason: str) -> tuple[Any, ...]:
        if position not in self.answers:
            raise Unshown((position,), reason)
        return tuple(decode(ANSWER_TYPES[position.item], self.answers[position]))

    def _leaves(self, position: Position, reason: str) -> Slice:
        _, opening = self._answer(position, reason)
        (leaves,) = Opening.of(opening).slices
        return leaves

    def _demanded_state(self, reason: str) -> State:
        sizes = [prod(weight.shape) for weight in self.workload.model.state]
        pieces = pieces_of(self.workload.model)
        missing = [piece for piece in pieces if piece not in self.answers]
        if missing:
            raise Unshown(tuple(missing), reason)
        flat = [self._leaves(piece, reason).floats().reshape(-1) for piece in pieces]
        parts = [
            values[: sizes[piece.tensor] - LEAF * LEAF_GROUP * piece.group]
            for piece, values in zip(pieces, flat, strict=True)
        ]
        return State(self.workload.model, np.concatenate(parts))

    def _served_roots(self, pre: State, post: State) -> TraceRoots | None:
        program = self.workload.stepper.program
        size = 32 * (program.posts_from - len(program.state))
        try:
            for data in self.store.candidates(self.header.trace_root, size):
                roots = TraceRoots.of(program, pre.tensor_roots, data, post.tensor_roots)
                if roots.root == self.header.trace_root:
                    return roots
        except StoreError:
            pass  # demanded instead
        return None

    def words(self) -> bytes | None:
        """Returns the leaves' words of the accuracy tree, if they are served."""
        samples = self.workload.task.test_count
        try:
            for words in self.store.candidates(self.header.eval_root, words_size(samples)):
                tree = AccuracyTree.of(*bits_of(words, samples))
                if tree.root.hash == self.header.eval_root:
                    return words
        except StoreError:
            pass  # demanded instead
        return None


def pieces_of(model: Model) -> list[Position]:
    """Returns the demands that bring a whole W to light."""
    return [
        Position(Item.LEAVES, Tree.STEP, 0, tensor, group)
        for tensor, weight in enumerate(model.state)
        for group in range(-(-leaves_of(prod(weight.shape)) // LEAF_GROUP))
    ]


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
