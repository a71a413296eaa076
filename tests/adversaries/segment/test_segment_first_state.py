"""After the segment's first step one weight is the next float32; all that follows is computed from it."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena
from tests.adversaries.forging import next_weight


def test_segment_first_state(arena: Arena) -> None:
    forgery = arena.made.derailed(0, next_weight)

    arena.convicts(forgery, EvidenceKind.STEP, demands=3)
