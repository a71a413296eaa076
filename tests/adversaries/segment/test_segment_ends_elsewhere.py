"""The list is right, and W is another state than the one it ends in."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_segment_ends_elsewhere(arena: Arena) -> None:
    made = arena.made
    forgery = made.standing_on(replace(made.segment, end=made.segment.start))
    assert forgery.header.segment_root == made.header.segment_root

    arena.convicts(forgery, EvidenceKind.WITHHELD, demands=2)
