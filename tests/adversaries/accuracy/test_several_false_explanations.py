"""One sample counts as correct, and it is explained again and again, each time under another name."""

from __future__ import annotations

from pol_oracle.evidence import TraceId
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.accuracy.test_false_explanation import lying
from tests.adversaries.arena import Arena
from tests.adversaries.forging import Forgery, altered

ACCOMPLICES = 3
LIARS = 8
WALK = 4  # demands: bits, explanation, and two below that


def test_several_false_explanations(arena: Arena) -> None:
    """Each costs its author a bond; no walk has to be made again, since it is the same lie."""
    forgery, sample = arena.made.wrong_bit()
    lie = lying(forgery, sample)

    block = arena.convicts(lie, EvidenceKind.UNEXPLAINED, demands=3, accomplices=[lie] * ACCOMPLICES)

    assert all(arena.fell(block, author) for author in (arena.cheat, *arena.colluders[:ACCOMPLICES]))
    assert len(block.speakers) == 1 + ACCOMPLICES


def test_pitfall_24_different_false_explanations_lock_no_more_than_one(arena: Arena) -> None:
    """Each is walked down anew. An audit found: some thirty used a verifier's bond up, and the next one stood."""
    forgery, sample = arena.made.wrong_bit()
    lies = [lie_at(forgery, sample, element) for element in range(1 + LIARS)]

    block = arena.convicts(lies[0], EvidenceKind.UNEXPLAINED, accomplices=lies[1:])

    assert all(arena.fell(block, author) for author in (arena.cheat, *arena.colluders[:LIARS]))
    assert len(block.demands) >= 2 + 1 + LIARS  # bits, explanation, and one at least below each
    assert arena.books.most_locked <= WALK * arena.stage.deployment.parameters.demand_fee


def lie_at(forgery: Forgery, sample: TraceId, element: int) -> Forgery:
    """The block with a false trace of one evaluation, of which one element of an inner tensor is wrong."""
    number = forgery.truth(sample).program.first + 3
    return forgery.explaining(sample, lambda right: altered(right, number, element, lambda value: value + 1))


def test_a_true_explanation_of_a_wrong_bit_contradicts_it(arena: Arena) -> None:
    """However often it is given."""
    forgery, _ = arena.made.wrong_bit()

    block = arena.convicts(forgery, EvidenceKind.UNEXPLAINED, demands=2, accomplices=[forgery] * ACCOMPLICES)

    assert len(block.speakers) == 1 + ACCOMPLICES
