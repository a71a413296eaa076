"""From a mismatch to the smallest proof. Each function raises :class:`Unshown` while something must be demanded first.

The first wrong tensor, in program order, reads only tensors that are right: they agree with our own replay, so we can
open them ourselves. Of the miner's trace nothing is needed but its tensors' roots and the wrong leaf.
"""

from __future__ import annotations

import numpy as np

from pol_oracle.canonical.accuracy import AccuracyTree, Bits
from pol_oracle.canonical.operations import Kind
from pol_oracle.canonical.state import State
from pol_oracle.canonical.traces import TraceRoots
from pol_oracle.canonical.trees import Slice, TensorTree
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.positions import Tree

from .accuracy import bit_proof, sums_proof
from .operations import first_difference, input_proof, operation_proof
from .proofs import FraudProof, TraceId
from .shown import ShownTrees, first_wrong_leaf
from .traced import Traced, traced_sample, traced_step


def find_step_fault(shown: ShownTrees, pre: State, post: State | None) -> FraudProof:
    """Finds the first wrong element of a step's trace.

    Args:
        shown: the block.
        pre: W.
        post: the claimed W', if it is served.

    Raises:
        Unshown: something must be demanded first.
        InputError: nothing is wrong.
    """
    trace = TraceId(Tree.STEP)
    own = traced_step(shown.workload, shown.header, pre)
    roots = shown.roots(trace, pre, post)
    tensor = _first_wrong_tensor(own.roots, roots)
    if tensor is None:
        if proof := _not_finite(shown, trace, own):
            return proof
        raise InputError("nothing is wrong with the trace")
    posts = own.program.posts_from
    if post is not None and tensor >= posts:
        claimed = _first_wrong_weight(post, tensor - posts, tensor, own)
    else:
        claimed = shown.wrong_leaf(trace, tensor, own, roots)
    return _element_proof(shown, trace, own, roots, claimed)


def find_accuracy_fault(shown: ShownTrees, pre: State, post: State, own_bits: tuple[Bits, Bits]) -> FraudProof:
    """Finds a wrong sum, or the first wrong bit and what is wrong with its evaluation.

    Args:
        shown: the block.
        pre: W.
        post: W'.
        own_bits: which samples W and W' really classify correctly.

    Raises:
        Unshown: something must be demanded first.
        InputError: nothing is wrong.
    """
    header, tree = shown.header, shown.accuracy()
    counts = header.correct_before, header.correct_after
    if (tree.root.before, tree.root.after) != counts:
        return sums_proof(header, tree, len(tree.levels) - 1, 0, *counts)
    trace = _first_wrong_bit(tree, own_bits)
    return find_evaluation_fault(shown, trace, post if trace.tree is Tree.AFTER else pre)


def find_evaluation_fault(shown: ShownTrees, trace: TraceId, state: State) -> FraudProof:
    """Finds what is wrong with the evaluation of one sample: an element, or the bit that was made of it.

    Args:
        shown: the block.
        trace: which evaluation.
        state: that is evaluated.

    Raises:
        Unshown: something must be demanded first.
        InputError: nothing is wrong.
    """
    own = traced_sample(shown.workload, state, trace.sample)
    roots = shown.roots(trace, state, None)
    tensor = _first_wrong_tensor(own.roots, roots)
    if tensor is not None:
        return _element_proof(shown, trace, own, roots, shown.wrong_leaf(trace, tensor, own, roots))
    if proof := _not_finite(shown, trace, own):
        return proof
    return bit_proof(shown.workload.programs, shown.header, trace, own, shown.accuracy())


def _first_wrong_tensor(own: TraceRoots, claimed: TraceRoots) -> int | None:
    """Number of the first tensor whose roots differ."""
    pairs = enumerate(zip(own.tensors, claimed.tensors, strict=True))
    return next((tensor for tensor, (ours, theirs) in pairs if ours != theirs), None)


def _first_wrong_weight(post: State, weight: int, tensor: int, own: Traced) -> Slice:
    """Opens the first wrong leaf of a published W'."""
    tree = TensorTree(post.tensors[weight])
    whole = tree.open(tensor, range(len(tree.levels[0])))
    return first_wrong_leaf(whole, own.tree(tensor))


def _first_wrong_bit(tree: AccuracyTree, own_bits: tuple[Bits, Bits]) -> TraceId:
    """The evaluation of the first sample whose bit is not our own."""
    own = AccuracyTree.of(*own_bits)
    for side, (claimed, ours) in zip((Tree.BEFORE, Tree.AFTER), zip(tree.bits, own.bits, strict=True), strict=True):
        wrong = np.flatnonzero(claimed != ours)
        if wrong.size:
            return TraceId(side, int(wrong[0]))
    raise InputError("the accuracy tree is right")


def _element_proof(shown: ShownTrees, trace: TraceId, own: Traced, roots: TraceRoots, claimed: Slice) -> FraudProof:
    """Proves the first wrong element of a leaf."""
    mine = own.tree(claimed.tensor).open(claimed.tensor, claimed.places)
    element = first_difference(claimed, mine)
    if claimed.tensor < own.program.first:
        return input_proof(shown.workload, shown.header, trace, roots, claimed, element)
    return operation_proof(shown.workload.programs, shown.header, trace, own, roots, claimed, element)


def _not_finite(shown: ShownTrees, trace: TraceId, own: Traced) -> FraudProof | None:
    """The trace is right: opens the first NaN or infinity that an operation computed, if there is one."""
    for tensor, operation in enumerate(own.program.operations, own.program.first):
        broken = np.flatnonzero(~np.isfinite(own.tensors[tensor].reshape(-1)))
        if operation.kind is not Kind.GATHER and broken.size:
            element = int(broken[0])
            claimed = own.open(tensor, [element])
            return operation_proof(shown.workload.programs, shown.header, trace, own, own.roots, claimed, element)
    return None
