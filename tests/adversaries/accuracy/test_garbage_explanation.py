"""One sample counts as correct, and nothing in the evaluation that is shown for it is right."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena
from tests.adversaries.forging import garbage


def test_garbage_explanation(arena: Arena) -> None:
    forgery, sample = arena.made.wrong_bit()

    arena.convicts(forgery.explaining(sample, garbage), EvidenceKind.UNEXPLAINED)
