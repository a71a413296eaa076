"""One sample counts as correct, and it is explained again and again, each time under another name."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.accuracy.test_false_explanation import lying
from tests.adversaries.arena import Arena

ACCOMPLICES = 3


def test_several_false_explanations(arena: Arena) -> None:
    """Each costs its author a bond; no walk has to be made again, since it is the same lie."""
    forgery, sample = arena.made.wrong_bit()

    block = arena.convicts(lying(forgery, sample), EvidenceKind.UNEXPLAINED, demands=3, accomplices=ACCOMPLICES)

    assert all(arena.fell(block, author) for author in (arena.cheat, *arena.colluders[:ACCOMPLICES]))
    assert len(block.speakers) == 1 + ACCOMPLICES


def test_a_true_explanation_of_a_wrong_bit_contradicts_it(arena: Arena) -> None:
    """However often it is given."""
    forgery, _ = arena.made.wrong_bit()

    block = arena.convicts(forgery, EvidenceKind.UNEXPLAINED, demands=2, accomplices=ACCOMPLICES)

    assert len(block.speakers) == 1 + ACCOMPLICES
