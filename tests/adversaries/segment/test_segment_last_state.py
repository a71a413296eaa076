"""After the segment's last step one weight is the next float32: W is another one."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena
from tests.adversaries.forging import next_weight


def test_segment_last_state(arena: Arena) -> None:
    forgery = arena.made.derailed(len(arena.made.segment.entries) - 1, next_weight)

    arena.convicts(forgery, EvidenceKind.STEP, demands=3)
