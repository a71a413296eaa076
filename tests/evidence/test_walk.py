"""From a wrong block down to one float: each answer shows where to look next, and the proof fits the commitments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from eth_abi.abi import encode

from pol_oracle.canonical.commitments.accuracy import AccuracyTree, SumNode, bits_of, grow
from pol_oracle.canonical.commitments.segments import SegmentEntry, SegmentList
from pol_oracle.canonical.commitments.trees import Opening, merkle_rise
from pol_oracle.canonical.operations import Kind
from pol_oracle.canonical.state import State
from pol_oracle.evidence import (
    Finding,
    FraudProof,
    Grounds,
    HonestDiscloser,
    ShownTrees,
    TraceId,
    find_accuracy_fault,
    find_segment_fault,
    find_step_fault,
)
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import Tag, keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Item, MissingItem, Position, Tree
from pol_oracle.task import Segment, train_segment
from tests.adversaries.forging import (
    Forgery,
    altered,
    garbage,
    honest,
    next_weight,
    number,
    segment_after,
    told,
)
from tests.task.workloads import MINER, STEPS, small_workload

WORKLOAD = small_workload()
GENESIS = keccak(b"genesis")
LAST = STEPS - 1
Find = Callable[[ShownTrees], Finding]


@pytest.fixture(scope="module")
def made() -> Forgery:
    """A right block on genesis."""
    return honest(WORKLOAD, GENESIS, MINER, 1 * BIT)


def grounds(forgery: Forgery) -> Grounds:
    """What the block stands on in truth."""
    own = segment_after(WORKLOAD, forgery.header.parent, forgery.segment.start)
    return Grounds(own.end, own, forgery.parent)


def walk(forgery: Forgery, find: Find) -> tuple[list[Position], FraudProof]:
    """Demands what is lacking, one after the other, until there is a proof; returns the demands, and the proof."""
    answers = dict[Position, bytes]()
    while True:
        found = find(ShownTrees(WORKLOAD, forgery.header, grounds(forgery), answers))
        if isinstance(found, FraudProof):
            return list(answers), found
        assert found.position not in answers
        assert not found.position.above or answers.keys() & set(found.position.above)
        answers[found.position] = told(found.position, forgery)


def of_segment(shown: ShownTrees) -> Finding:
    assert shown.grounds.segment is not None
    return find_segment_fault(shown, shown.grounds.segment)


def of_step(shown: ShownTrees) -> Finding:
    return find_step_fault(shown, same=False)


def shown_element(proof: FraudProof) -> tuple[TraceId, int, int, Opening]:
    """Trace, tensor, element and openings of a proof."""
    _, (tree, index), _, (tensor, element, _, opening, *_) = proof.arguments
    return TraceId(Tree(tree), index), tensor, element, Opening.of(opening)


def check_segment(forgery: Forgery, proof: FraudProof, step: int) -> None:
    """As the contract does it: neighbouring entries make the list that the header has."""
    _, _, (parents, entries, path), _ = proof.arguments
    given = [SegmentEntry(*entry).hash for entry in entries]
    places = range(max(step - 1, 0), step + 1)
    top = merkle_rise(dict(zip(places, given, strict=True)), STEPS, path, Tag.SEGMENT_NODE)[-1][0]
    assert keccak(Tag.SEGMENT_ROOT + STEPS.to_bytes(8, "big") + top) == forgery.header.segment_root
    assert len(parents) == (step == 0 and forgery.parent is not None)


@pytest.mark.parametrize("step", range(STEPS))
def test_a_wrong_weight_after_any_step_of_the_segment_is_walked_to(made: Forgery, step: int) -> None:
    forgery = made.derailed(step, next_weight)
    demanded, proof = walk(forgery, of_segment)

    trace, tensor, element, opening = shown_element(proof)
    weight = made.step.program.posts_from
    assert demanded == [
        Position(Item.STEPS),
        Position(Item.ROOTS, Tree.SEGMENT, step),
        Position(Item.LEAVES, Tree.SEGMENT, step, weight),
    ]
    assert (proof.kind, proof.function) == (EvidenceKind.STEP, "proveOperation")
    assert (trace, tensor, element) == (TraceId(Tree.SEGMENT, step), weight, 0)
    lie = forgery.lies[trace].tensors[weight].reshape(-1)[0]
    assert next(s for s in opening.slices if s.tensor == weight).value(0) == lie
    check_segment(forgery, proof, step)


def test_the_first_step_of_a_segment_after_a_block_shows_that_block(made: Forgery) -> None:
    above = honest(WORKLOAD, made.id, MINER, 1 * BIT, below=made)
    forgery = above.derailed(0, next_weight)
    _, proof = walk(forgery, of_segment)
    _, _, (parents, _, _), _ = proof.arguments
    assert parents == [made.header.astuple()]
    check_segment(forgery, proof, 0)

    _, later = walk(above.derailed(1, next_weight), of_segment)
    assert later.arguments[2][0] == []


@pytest.mark.parametrize("step", [0, 1, LAST])
def test_another_batch_in_the_segment_is_input_evidence(made: Forgery, step: int) -> None:
    images = len(made.step.program.state)
    forgery = made.derailed(step, lambda t: altered(t, images, 3072 + 5, lambda pixel: pixel + 1))
    demanded, proof = walk(forgery, of_segment)
    assert [position.item for position in demanded] == [Item.STEPS, Item.ROOTS, Item.LEAVES]
    assert proof.function == "proveInput"
    assert shown_element(proof)[:3] == (TraceId(Tree.SEGMENT, step), images, 3072 + 5)
    check_segment(forgery, proof, step)


def test_in_a_large_tensor_the_group_of_leaves_is_looked_for_first(made: Forgery) -> None:
    """Its nodes say which: one demand more, however large it is."""
    sizes = [tensor.size for tensor in made.step.tensors]
    large = max(range(made.step.program.first, made.step.program.posts_from), key=lambda t: sizes[t])
    element = sizes[large] - 1
    forgery = made.derailed(1, lambda t: altered(t, large, element, lambda value: value + 1))
    demanded, proof = walk(forgery, of_segment)
    assert [position.item for position in demanded] == [Item.STEPS, Item.ROOTS, Item.NODES, Item.LEAVES]
    assert demanded[-1].group == (element // 64) // 256 > 0
    assert shown_element(proof)[1:3] == (large, element)


def test_garbage_in_a_step_of_the_segment_takes_no_more_demands_than_one_wrong_float(made: Forgery) -> None:
    demanded, proof = walk(made.derailed(2, garbage), of_segment)
    assert len(demanded) <= 4
    assert shown_element(proof)[1] == made.step.program.first


def test_a_segment_of_another_parent_is_wrong_from_its_first_batch(made: Forgery) -> None:
    other = train_segment(WORKLOAD, keccak(b"another parent"), WORKLOAD.initial)
    first = TraceId(Tree.SEGMENT, 0)
    elsewhere = replace(made, header=replace(made.header, parent=other.block_id))
    forgery = made.standing_on(other, {first: elsewhere.truth(first)})
    demanded, proof = walk(forgery, of_segment)
    assert len(demanded) == 3
    assert (proof.function, shown_element(proof)[0]) == ("proveInput", first)


def test_a_right_list_that_does_not_end_in_pre_root_is_asked_for_its_last_step(made: Forgery) -> None:
    """Nobody can show it, since the contract wants it to end in preRoot."""
    header = replace(made.header, pre_root=WORKLOAD.initial.root)
    shown = ShownTrees(WORKLOAD, header, grounds(made), {})
    lacking = of_segment(shown)
    assert isinstance(lacking, MissingItem)
    assert lacking.position == Position(Item.STEPS)  # all our own, and not on L1 yet
    steps = {Position(Item.STEPS): told(Position(Item.STEPS), made)}
    lacking = of_segment(replace(shown, answers=steps))
    assert isinstance(lacking, MissingItem)
    assert lacking.position == Position(Item.ROOTS, Tree.SEGMENT, LAST)


def test_a_segment_that_is_not_finite_needs_no_demand_if_it_is_shown_as_it_is() -> None:
    flat = WORKLOAD.initial.flat.copy()
    flat[: WORKLOAD.initial.tensors[0].size] = np.float32(3e38)
    segment = train_segment(WORKLOAD, GENESIS, State(WORKLOAD.model, flat))
    header = replace(honest(WORKLOAD, GENESIS, MINER, 1 * BIT).header, segment_root=segment.root)
    shown = ShownTrees(WORKLOAD, replace(header, pre_root=segment.end.root), Grounds(segment.end, segment), {})
    proof = find_segment_fault(shown, segment)
    assert isinstance(proof, FraudProof)
    trace, tensor, element, opening = shown_element(proof)
    assert trace == TraceId(Tree.SEGMENT, 0)
    (alone,) = opening.slices  # what is not finite is wrong by itself
    assert alone.tensor == tensor
    assert not np.isfinite(alone.value(element))


def test_nothing_is_found_in_a_right_segment(made: Forgery) -> None:
    with pytest.raises(InputError, match="nothing is wrong"):
        walk(made, of_segment)
    with pytest.raises(InputError, match="nothing is wrong"):
        walk(made, of_step)


@pytest.mark.parametrize("kind", [Kind.GATHER, Kind.DOT, Kind.SUM, Kind.MAP])
def test_a_wrong_value_in_the_block_s_own_step_is_walked_to(made: Forgery, kind: Kind) -> None:
    tensor = number(made.step, kind)
    demanded, proof = walk(made.altered(tensor, 0, lambda value: value + 1), of_step)
    assert demanded[0] == Position(Item.ROOTS)
    assert len(demanded) <= 3
    assert shown_element(proof)[:3] == (TraceId(Tree.STEP), tensor, 0)
    assert proof.arguments[2] == ([], [], [])


def test_a_wrong_bit_is_walked_to_through_its_evaluation(made: Forgery) -> None:
    forgery, sample = made.wrong_bit()
    own = made.bits()
    demanded, proof = walk(forgery, lambda shown: find_accuracy_fault(shown, made.post, own))
    assert demanded == [Position(Item.BITS), Position(Item.ROOTS, Tree.AFTER, sample.index)]
    evaluation = made.truth(sample).roots.root
    assert (proof.kind, proof.function) == (None, "proveBit")
    assert proof.refutes == replace(sample.position, explanation=evaluation)


@pytest.mark.parametrize("tensor", [0, 3])
def test_a_false_explanation_of_a_wrong_bit_is_walked_to_below_it(made: Forgery, tensor: int) -> None:
    forgery, sample = made.wrong_bit()
    right = made.truth(sample)
    number = right.program.first + tensor
    forgery = replace(forgery, lies={sample: altered(right, number, 0, lambda value: value + 1)})
    own = made.bits()
    demanded, proof = walk(forgery, lambda shown: find_accuracy_fault(shown, made.post, own))
    root = forgery.lies[sample].roots.root
    assert demanded[:2] == [Position(Item.BITS), sample.position]
    assert {position.explanation for position in demanded[2:]} == {root}
    assert len(demanded) <= 4
    assert (proof.kind, proof.refutes) == (None, replace(sample.position, explanation=root))
    assert shown_element(proof)[:3] == (sample, number, 0)


def test_a_demand_for_an_explanation_opens_the_claimed_bit(made: Forgery) -> None:
    """As the contract does it: the words make the root that the header has."""
    forgery, sample = made.wrong_bit()
    bits = {Position(Item.BITS): told(Position(Item.BITS), forgery)}
    shown = ShownTrees(WORKLOAD, forgery.header, grounds(forgery), bits)
    lacking = find_accuracy_fault(shown, made.post, made.bits())
    assert isinstance(lacking, MissingItem)
    (before, after), siblings = lacking.opening
    place = sample.index % 256
    assert after[place // 8] >> (7 - place % 8) & 1
    leaf = AccuracyTree.of(*bits_of(before + after, 256)).root
    index, sums = sample.index // 256, (leaf.hash, leaf.before, leaf.after)
    for hash_, *others in siblings:
        pair = [SumNode(*sums), SumNode(hash_, *others)]
        parent = grow(pair if index % 2 == 0 else pair[::-1])[-1][0]
        index, sums = index // 2, (parent.hash, parent.before, parent.after)
    assert sums == (forgery.header.eval_root, forgery.header.correct_before, forgery.header.correct_after)


def test_an_honest_miner_shows_what_a_right_block_committed_to(made: Forgery) -> None:
    """It keeps nothing but the segment; the rest is computed again."""
    test = WORKLOAD.test
    block = HonestDiscloser(
        WORKLOAD, made.header, grounds(made), lambda state: WORKLOAD.evaluator.correct(state, test.images, test.labels)
    )
    assert block.steps().root == made.header.segment_root
    assert block.accuracy().root == made.bits_tree.root
    assert block.trace(TraceId(Tree.STEP)).roots.root == made.header.trace_root
    for step in range(STEPS):
        which = TraceId(Tree.SEGMENT, step)
        roots, own = block.trace(which).roots, made.segment.entries[step]
        assert SegmentEntry(roots.batch_root, roots.inner_root, roots.post_root) == own
        assert block.segment_step(which) == made.segment_step(which)
    assert [block.trace(TraceId(tree, 3)).roots.state_root for tree in (Tree.BEFORE, Tree.AFTER)] == [
        made.header.pre_root,
        made.header.post_root,
    ]


def test_shown_steps_are_used_only_where_the_segment_is_another_one(made: Forgery) -> None:
    own: Segment = made.segment
    shown = ShownTrees(WORKLOAD, made.header, grounds(made), {})
    assert shown.steps(own) == own.list
    other = ShownTrees(WORKLOAD, replace(made.header, segment_root=keccak(b"no list")), grounds(made), {})
    lacking = other.steps(own)
    assert isinstance(lacking, MissingItem)
    assert lacking.position == Position(Item.STEPS)
    hashes = [keccak(bytes([i])) for i in range(STEPS)]
    told_steps = {Position(Item.STEPS): encode(["bytes32[]"], [hashes])}
    assert replace(other, answers=told_steps).steps(own) == SegmentList(tuple(hashes))
