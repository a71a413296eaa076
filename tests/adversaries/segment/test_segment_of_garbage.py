"""A list as it should be, with steps in it of which nothing is right: not one float of what they compute."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena
from tests.adversaries.forging import garbage


def test_segment_of_garbage(arena: Arena) -> None:
    arena.convicts(arena.made.derailed(1, garbage), EvidenceKind.STEP)
