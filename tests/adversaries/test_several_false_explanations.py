"""One sample counts as correct, and it is explained again and again: each explanation costs a bond, and none stands."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena
from tests.adversaries.test_false_explanation import lying

EXPLANATIONS = 3


def test_several_false_explanations(arena: Arena) -> None:
    forgery, sample = arena.made.wrong_bit()

    block = arena.convicts(lying(forgery, sample), EvidenceKind.UNEXPLAINED, explanations=EXPLANATIONS)

    assert arena.refuted(block) == EXPLANATIONS


def test_a_true_explanation_of_a_wrong_bit_contradicts_it(arena: Arena) -> None:
    """However often it is given."""
    forgery, _ = arena.made.wrong_bit()

    block = arena.convicts(forgery, EvidenceKind.UNEXPLAINED, demands=2, explanations=EXPLANATIONS)

    assert arena.refuted(block) == EXPLANATIONS
