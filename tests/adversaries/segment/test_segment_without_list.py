"""The root of the segment is a number that no list has."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_segment_without_list(arena: Arena) -> None:
    header = replace(arena.made.header, segment_root=keccak(b"no list"))

    arena.convicts(replace(arena.made, header=header), EvidenceKind.WITHHELD, demands=1)
