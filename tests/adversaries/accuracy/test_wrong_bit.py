"""One sample counts as correct though its evaluation, shown as it is, says otherwise."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_wrong_bit(arena: Arena) -> None:
    forgery, _ = arena.made.wrong_bit()

    arena.convicts(forgery, EvidenceKind.UNEXPLAINED, demands=2)
