"""A replay finds what is wrong, cheapest first, and says what it lacks to prove it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pol_oracle.agents.rules.verdicts import Invalid, Unavailable, Valid, Verdict, accusation, can_be_built_on
from pol_oracle.agents.work.answerer import HonestAnswerer
from pol_oracle.agents.work.follow import Follower
from pol_oracle.agents.work.replay import Replayer
from pol_oracle.agents.work.worker import Cancelled
from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.evidence import Shown, TraceId, answer_to
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import InputError, WrongChain
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Item, Position, Tree
from pol_oracle.store import StateStore
from pol_oracle.view.lineage import Lineage
from tests.adversaries.forging import Forgery, altered, honest, next_weight, told
from tests.agents.chains import GENESIS
from tests.agents.work.followers import Diverging, Overflowing
from tests.agents.work.headers import BITS, WORKLOAD, block, never
from tests.task.workloads import MINER, STEPS

STEP = EvidenceKind.STEP


@pytest.fixture(scope="module")
def made() -> Forgery:
    """A right block on genesis."""
    return honest(WORKLOAD, GENESIS, MINER, BITS * BIT)


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    return Follower(WORKLOAD, GENESIS, StateStore([tmp_path]))


def verdict_of(follower: Follower, header: Header, lineage: Lineage = (), shown: Shown | None = None) -> Verdict:
    return Replayer(follower)(block(header), lineage, shown or {}, never)


def proven(follower: Follower, forgery: Forgery) -> tuple[Invalid, int]:
    """The verdict once all was shown that it takes; also how much that was."""
    shown = dict[Position, bytes]()
    while isinstance(verdict := verdict_of(follower, forgery.header, (), shown), Unavailable):
        assert not can_be_built_on(verdict)
        position = verdict.lacks.position
        assert position not in shown
        assert not position.above or shown.keys() & set(position.above)
        shown[position] = told(position, forgery)
    assert isinstance(verdict, Invalid)
    return verdict, len(shown)


def wanted(verdict: Verdict) -> Position | None:
    """What it lacks."""
    wrong = accusation(verdict)
    return wrong.lacks.position if isinstance(wrong, Unavailable) else None


def test_a_right_block_is_valid_and_its_state_kept_for_its_children(made: Forgery, follower: Follower) -> None:
    assert verdict_of(follower, made.header) == Valid(made.id)
    child = honest(WORKLOAD, made.id, MINER, BITS * BIT, below=made)
    assert can_be_built_on(verdict_of(follower, child.header, (made.header,)))
    assert follower.post((made.header,), never) == made.post


def test_an_unmet_requirement_is_proven_at_once(follower: Follower) -> None:
    verdict = verdict_of(follower, honest(WORKLOAD, GENESIS, MINER, BITS * BIT, missed=0).header)
    assert isinstance(verdict, Invalid)
    assert verdict.kind is EvidenceKind.REQUIREMENT
    assert verdict.proof.function == "proveRequirement"


def test_one_ulp_is_a_wrong_step_once_it_was_shown(made: Forgery, follower: Follower) -> None:
    forgery = made.with_trace(next_weight(made.step))
    assert wanted(verdict_of(follower, forgery.header)) == Position(Item.ROOTS)
    verdict, demands = proven(follower, forgery)
    assert verdict.kind is STEP
    assert demands == 2


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_pitfall_05_a_weight_that_is_not_finite_is_a_wrong_step(
    made: Forgery, follower: Follower, poison: float
) -> None:
    verdict, _ = proven(follower, made.altered(len(made.step.tensors) - 1, 0, lambda _: np.float32(poison)))
    assert verdict.kind is STEP


def test_a_segment_is_looked_at_before_anything_that_stands_on_it(made: Forgery, follower: Follower) -> None:
    forgery = made.derailed(1, next_weight).with_accuracy(made.bits_tree, made.header.correct_after + 5)
    assert wanted(verdict_of(follower, forgery.header)) == Position(Item.STEPS)
    verdict, demands = proven(follower, forgery)
    assert verdict.kind is STEP
    assert demands == 3


def test_another_w_on_a_right_segment_cannot_be_shown(made: Forgery, follower: Follower) -> None:
    header = replace(made.header, pre_root=WORKLOAD.initial.root)
    verdict = verdict_of(follower, header)
    assert wanted(verdict) == Position(Item.STEPS)  # which are right, and have to be shown before the last of them
    assert isinstance(verdict, Unavailable)
    assert "segment" in verdict.reason
    shown = {Position(Item.STEPS): told(Position(Item.STEPS), made)}
    assert wanted(verdict_of(follower, header, (), shown)) == Position(Item.ROOTS, Tree.SEGMENT, STEPS - 1)


def test_a_trace_that_nobody_can_show_is_demanded(made: Forgery, follower: Follower) -> None:
    verdict = verdict_of(follower, replace(made.header, trace_root=keccak(b"no trace")))
    assert isinstance(verdict, Unavailable)
    assert wanted(verdict) == Position(Item.ROOTS)
    assert not can_be_built_on(verdict)


def test_a_false_count_is_proven_unless_accuracy_is_not_looked_at(made: Forgery, follower: Follower) -> None:
    forgery = made.with_accuracy(made.bits_tree, made.header.correct_after + 5)
    verdict = verdict_of(follower, forgery.header)
    assert isinstance(verdict, Invalid)
    assert verdict.kind is EvidenceKind.ACCURACY
    assert verdict.proof.function == "proveSums"
    assert can_be_built_on(Replayer(follower, accuracy=False)(block(forgery.header), (), {}, never))


def test_a_wrong_bit_is_proven_once_it_was_explained(made: Forgery, follower: Follower) -> None:
    forgery, _ = made.wrong_bit()
    verdict, demands = proven(follower, forgery)
    assert verdict.kind is EvidenceKind.UNEXPLAINED
    assert (verdict.proof.kind, verdict.proof.function) == (None, "proveBit")
    assert demands == 2


def test_a_bit_that_was_shown_and_is_wrong_ends_the_count(
    made: Forgery, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finding 7 of an audit: both states were counted in full before the first difference told."""
    before, after = made.bits()
    before[0] = not before[0]
    forgery = made.with_accuracy(AccuracyTree.of(before, after))
    counted = list[int]()
    correct = WORKLOAD.evaluator.correct

    def noting(state: State, images: Any, labels: Any, *rest: Any) -> Any:
        counted.append(len(images))
        return correct(state, images, labels, *rest)

    monkeypatch.setattr(WORKLOAD.evaluator, "correct", noting)
    bits = Position(Item.BITS)
    verdict = verdict_of(follower, forgery.header, (), {bits: told(bits, forgery)})

    assert wanted(verdict) == Position(Item.ROOTS, Tree.BEFORE, 0)
    assert len(counted) == 1
    assert counted[0] < len(WORKLOAD.test)


def test_bits_that_were_shown_and_are_right_are_remembered(made: Forgery, follower: Follower) -> None:
    bits = Position(Item.BITS)
    assert verdict_of(follower, made.header, (), {bits: told(bits, made)}) == Valid(made.id)
    before, after = made.bits()
    assert (follower.count(made.pre, never) == before).all()
    assert (follower.count(made.post, never) == after).all()


def explained(forgery: Forgery, *positions: Position) -> Shown:
    """What was shown of a block: its bits, and these."""
    return {position: told(position, forgery) for position in (Position(Item.BITS), *positions)}


def test_a_right_explanation_of_a_right_block_is_no_fault(made: Forgery, follower: Follower) -> None:
    shown = explained(made, Position(Item.ROOTS, Tree.AFTER, 3), Position(Item.ROOTS, Tree.BEFORE, 4))
    assert verdict_of(follower, made.header, (), shown) == Valid(made.id)


def lying(made: Forgery, sample: int) -> tuple[Forgery, Position]:
    """The block with a false explanation of one sample, and what shows that it is false."""
    trace = TraceId(Tree.AFTER, sample)
    right = made.truth(trace)
    number = right.program.first + 3
    forgery = replace(made, lies={trace: altered(right, number, 0, lambda value: value + 1)})
    return forgery, Position(Item.LEAVES, Tree.AFTER, sample, number, 0, forgery.lies[trace].roots.root)


def test_explanations_are_looked_at_once_and_only_where_more_is_shown_of_them(
    made: Forgery, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of them would else take time that grows with its square."""
    replay, computed = Replayer(follower), list[int]()
    forgery, below = lying(made, 3)
    other = replace(below, tensor=below.tensor - 1)
    shown = dict(explained(forgery, Position(Item.ROOTS, Tree.AFTER, 3), Position(Item.ROOTS, Tree.AFTER, 4)))
    partly = shown | {other: told(other, forgery)}
    tensors = WORKLOAD.evaluator.tensors

    def noting(*arguments: Any) -> Any:
        computed.append(1)
        return tensors(*arguments)

    monkeypatch.setattr(WORKLOAD.evaluator, "tensors", noting)
    for answers, least in ((shown, 0), (partly, 1), (partly, 1)):
        assert can_be_built_on(replay(block(made.header), (), answers, never))
        assert len(computed) == least


def test_a_false_explanation_of_a_right_block_is_refuted_if_what_is_wrong_was_shown(
    made: Forgery, follower: Follower
) -> None:
    """The block stays right: it costs whoever gave it."""
    forgery, below = lying(made, 3)
    roots = Position(Item.ROOTS, Tree.AFTER, 3)
    shown = explained(forgery, Position(Item.ROOTS, Tree.BEFORE, 4), roots, below)
    verdict = verdict_of(follower, made.header, (), shown)
    assert can_be_built_on(verdict)
    false = accusation(verdict)
    assert isinstance(false, Invalid)
    assert false.proof.refutes == replace(roots, explanation=below.explanation)


def test_pitfall_24_nothing_is_demanded_of_a_false_explanation_of_a_right_block(
    made: Forgery, follower: Follower
) -> None:
    """It does the block no harm, and what is demanded of it would hold the block up, and cost fees."""
    forgery, _ = lying(made, 3)
    shown = explained(forgery, Position(Item.ROOTS, Tree.AFTER, 3))
    assert verdict_of(follower, made.header, (), shown) == Valid(made.id)


def test_an_evaluation_that_nobody_can_show_is_demanded(made: Forgery, follower: Follower) -> None:
    header = replace(made.header, eval_root=keccak(b"no bits"))
    assert wanted(verdict_of(follower, header)) == Position(Item.BITS)


def test_pitfall_05_a_block_after_which_training_diverges_is_right_but_a_dead_end(
    made: Forgery, tmp_path: Path
) -> None:
    follower = Diverging(WORKLOAD, GENESIS, StateStore([tmp_path]))
    follower.after = made.id
    verdict = verdict_of(follower, made.header)
    assert verdict == Valid(made.id, dead_end=True)
    assert not can_be_built_on(verdict)


def test_pitfall_05_a_block_after_which_no_evaluation_is_finite_is_right_but_a_dead_end(
    made: Forgery, tmp_path: Path
) -> None:
    """Each child would be slashed for what its miner did not choose."""
    follower = Overflowing(WORKLOAD, GENESIS, StateStore([tmp_path]))
    follower.root = follower.segment(made.id, (made.header,), never).end.root
    verdict = verdict_of(follower, made.header)
    assert verdict == Valid(made.id, dead_end=True)
    assert not can_be_built_on(verdict)


def test_what_stands_on_a_wrong_block_is_no_verdict(made: Forgery, follower: Follower) -> None:
    wrong = made.with_trace(next_weight(made.step))
    child = replace(made.header, parent=wrong.id)
    with pytest.raises(InputError, match="does not follow"):
        verdict_of(follower, child, (wrong.header,))


def test_a_header_of_another_block_is_refused(made: Forgery, follower: Follower) -> None:
    other = replace(block(made.header), id=bytes(32))
    with pytest.raises(WrongChain):
        Replayer(follower)(other, (), {}, never)


def test_a_replay_can_be_cancelled(made: Forgery, follower: Follower) -> None:
    with pytest.raises(Cancelled):
        Replayer(follower)(block(made.header), (), {}, lambda: True)


@pytest.mark.parametrize(
    ("position", "function"),
    [
        (Position(Item.ROOTS), "revealRoots"),
        (Position(Item.NODES), "revealNodes"),
        (Position(Item.LEAVES), "revealLeaves"),
        (Position(Item.BITS), "revealBits"),
        (Position(Item.STEPS), "revealSteps"),
        (Position(Item.ROOTS, Tree.SEGMENT, STEPS - 1), "revealRoots"),
        (Position(Item.LEAVES, Tree.SEGMENT, 0, 3), "revealLeaves"),
        (Position(Item.ROOTS, Tree.AFTER, 7), "explain"),
    ],
    ids=str,
)
def test_an_honest_answer_is_what_the_miner_committed_to(
    made: Forgery, follower: Follower, position: Position, function: str
) -> None:
    answer = HonestAnswerer(follower)(block(made.header), (), position, never)
    assert answer.function == function
    assert answer == answer_to(position, WORKLOAD.programs, made)


def test_what_is_demanded_of_another_explanation_cannot_be_shown(made: Forgery, follower: Follower) -> None:
    position = Position(Item.LEAVES, Tree.AFTER, 7, 3, 0, keccak(b"somebody else's"))
    with pytest.raises(InputError, match="cannot be shown"):
        HonestAnswerer(follower)(block(made.header), (), position, never)
