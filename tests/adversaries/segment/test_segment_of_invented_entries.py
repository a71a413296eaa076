"""A list of hashes that stand for nothing: it can be shown, and nothing below it."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.canonical.commitments.segments import SegmentEntry
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_segment_of_invented_entries(arena: Arena) -> None:
    made = arena.made
    invented = SegmentEntry(keccak(b"batch"), keccak(b"inner"), made.segment.entries[2].state_root)
    entries = (*made.segment.entries[:2], invented, *made.segment.entries[3:])

    arena.convicts(made.standing_on(replace(made.segment, entries=entries)), EvidenceKind.WITHHELD, demands=2)
