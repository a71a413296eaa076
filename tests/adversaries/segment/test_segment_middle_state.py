"""After a step in the middle of the segment one weight is the next float32; what follows is computed from it."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena
from tests.adversaries.forging import next_weight


def test_segment_middle_state(arena: Arena) -> None:
    forgery = arena.made.derailed(len(arena.made.segment.entries) // 2, next_weight)

    arena.convicts(forgery, EvidenceKind.STEP, demands=3)
