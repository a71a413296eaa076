"""From a mismatch to the smallest proof, or, while there can be none, to what must be demanded first.

Whatever is honest we compute ourselves, so a dispute is a walk down to the first value that is not our own: from the
segment's list to a step, its trace, a tensor, a group of leaves, one float. The first wrong tensor, in program order,
reads only tensors that are right: they agree with our own replay, so we can open them ourselves.
"""

from __future__ import annotations

import numpy as np

from pol_oracle.canonical.commitments.accuracy import AccuracyTree, Bits
from pol_oracle.canonical.operations import Kind
from pol_oracle.canonical.programs.traces import TraceRoots
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.positions import MissingItem, Tree
from pol_oracle.task import Segment, segment_step

from .accuracy import bit_proof, sums_proof
from .operations import first_difference, input_proof, operation_proof
from .proofs import FraudProof, TraceId
from .shown import ClaimedTrace, ShownTrees
from .traced import Traced, traced

Finding = FraudProof | MissingItem
"""A proof, or what must be demanded before there can be one."""


def find_segment_fault(shown: ShownTrees, own: Segment) -> Finding:
    """Finds the first wrong element of a block's segment.

    Args:
        shown: the block; its segmentRoot or its preRoot is not our own, or the segment is not finite.
        own: the segment after its parent.

    Raises:
        InputError: nothing is wrong.
    """
    listed = shown.steps(own)
    if isinstance(listed, MissingItem):
        return listed
    pairs = enumerate(zip(listed.hashes, own.list.hashes, strict=True))
    step = next((number for number, (theirs, ours) in pairs if theirs != ours), None)
    if step is not None or shown.header.pre_root != own.end.root:
        # a list of our own steps that does not end in preRoot: nobody can show its last one
        number = len(own.entries) - 1 if step is None else step
        return _find_fault(shown, TraceId(Tree.SEGMENT, number), own.state_before(shown.workload, number))
    state = own.start
    for number in range(len(own.entries)):
        result = segment_step(shown.workload, own.block_id, number, state)
        if not result.finite:
            return _find_not_finite(shown, TraceId(Tree.SEGMENT, number), state)
        state = result.post
    raise InputError("nothing is wrong with the segment")


def find_step_fault(shown: ShownTrees, *, same: bool) -> Finding:
    """Finds the first wrong element of a block's own step.

    Args:
        shown: the block.
        same: its trace is our own, and not finite.

    Raises:
        InputError: nothing is wrong.
    """
    find = _find_not_finite if same else _find_fault
    return find(shown, TraceId(Tree.STEP), shown.grounds.pre)


def find_accuracy_fault(shown: ShownTrees, post: State, own_bits: tuple[Bits, Bits]) -> Finding:
    """Finds a wrong sum, or the first wrong bit and what is wrong with its explanation.

    Args:
        shown: the block.
        post: W'.
        own_bits: which samples W and W' really classify correctly.

    Raises:
        InputError: nothing is wrong.
    """
    header, own = shown.header, AccuracyTree.of(*own_bits)
    tree = own if own.root.hash == header.eval_root else shown.accuracy()
    if isinstance(tree, MissingItem):
        return tree
    counts = header.correct_before, header.correct_after
    if (tree.root.before, tree.root.after) != counts:
        return sums_proof(header, tree, len(tree.levels) - 1, 0, *counts)
    trace = _first_wrong_bit(tree, own)
    return find_evaluation_fault(shown, trace, post if trace.tree is Tree.AFTER else shown.grounds.pre)


def find_evaluation_fault(shown: ShownTrees, trace: TraceId, state: State) -> Finding:
    """Finds what is wrong with the explanation of an evaluation: an element, or that the block's bit contradicts it.

    A bit that is wrong has no right explanation.

    Args:
        shown: the block.
        trace: which evaluation.
        state: that is evaluated.

    Raises:
        InputError: nothing is wrong.
    """
    claim = shown.claimed(trace, state)
    if isinstance(claim, MissingItem):
        return claim
    own = traced(shown.workload, shown.header, trace, state)
    if found := _wrong_element(shown, claim, own) or _not_finite(shown, claim, own):
        return found
    return bit_proof(shown.workload.programs, claim, own)


def find_explanation_fault(shown: ShownTrees, trace: TraceId, state: State) -> Finding | None:
    """Finds the first wrong element of an explanation of a sample whose bit is right, if there is one.

    Args:
        shown: the block, which is right.
        trace: which evaluation; its explanation stands.
        state: that is evaluated.
    """
    claim = shown.claimed(trace, state)
    if isinstance(claim, MissingItem):
        return claim
    return _wrong_element(shown, claim, traced(shown.workload, shown.header, trace, state))


def _find_fault(shown: ShownTrees, trace: TraceId, state: State) -> Finding:
    """The first wrong element of a step's trace that is not our own."""
    claim = shown.claimed(trace, state)
    if isinstance(claim, MissingItem):
        return claim
    own = traced(shown.workload, shown.header, trace, state)
    if found := _wrong_element(shown, claim, own) or _not_finite(shown, claim, own):
        return found
    raise InputError("nothing is wrong with the trace")


def _find_not_finite(shown: ShownTrees, trace: TraceId, state: State) -> FraudProof:
    """The first value that is not finite in a step's trace that is our own."""
    own = traced(shown.workload, shown.header, trace, state)
    if proof := _not_finite(shown, shown.own(trace, own), own):
        return proof
    raise InputError("nothing is wrong with the trace")


def _wrong_element(shown: ShownTrees, claim: ClaimedTrace, own: Traced) -> Finding | None:
    """Proves the first wrong element of the first tensor that is not our own, if there is one."""
    tensor = _first_wrong_tensor(own.roots, claim.roots)
    if tensor is None:
        return None
    claimed = shown.wrong_leaf(claim, tensor, own)
    if isinstance(claimed, MissingItem):
        return claimed
    mine = own.tree(tensor).open(tensor, claimed.places)
    element = first_difference(claimed, mine)
    if tensor < own.program.first:
        return input_proof(claim, shown.workload, claimed, element)
    return operation_proof(claim, shown.workload.programs, own, claimed, element)


def _not_finite(shown: ShownTrees, claim: ClaimedTrace, own: Traced) -> FraudProof | None:
    """The trace is our own: opens the first NaN or infinity that an operation computed, if there is one."""
    for tensor, operation in enumerate(own.program.operations, own.program.first):
        broken = np.flatnonzero(~np.isfinite(own.tensors[tensor].reshape(-1)))
        if operation.kind is not Kind.GATHER and broken.size:
            element = int(broken[0])
            return operation_proof(claim, shown.workload.programs, own, own.open(tensor, [element]), element)
    return None


def _first_wrong_tensor(own: TraceRoots, claimed: TraceRoots) -> int | None:
    """Number of the first tensor whose roots differ."""
    pairs = enumerate(zip(own.tensors, claimed.tensors, strict=True))
    return next((tensor for tensor, (ours, theirs) in pairs if ours != theirs), None)


def _first_wrong_bit(tree: AccuracyTree, own: AccuracyTree) -> TraceId:
    """The evaluation of the first sample whose bit is not our own."""
    for side, (claimed, ours) in zip((Tree.BEFORE, Tree.AFTER), zip(tree.bits, own.bits, strict=True), strict=True):
        wrong = np.flatnonzero(claimed != ours)
        if wrong.size:
            return TraceId(side, int(wrong[0]))
    raise InputError("the accuracy tree is right")
