"""A wrong trace, and answers that come just when the time is up."""

from __future__ import annotations

from pol_oracle.canonical.operations import Kind
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_late_answers(arena: Arena) -> None:
    made = arena.made
    forgery = made.altered(made.number(Kind.MAP), 0, lambda x: x + 1)

    arena.convicts(forgery, EvidenceKind.WITHHELD, late=True)
    assert "DeadlinePassed" in arena.refused
