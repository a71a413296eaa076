"""The segment is one that follows another block: W was known, and R with it, before this parent was."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.evidence import TraceId
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree
from tests.adversaries.arena import Arena
from tests.adversaries.forging import segment_after


def test_segment_of_another_parent(arena: Arena) -> None:
    made, first = arena.made, TraceId(Tree.SEGMENT, 0)
    other = segment_after(arena.workload, keccak(b"another block"), arena.workload.initial)
    elsewhere = replace(made, header=replace(made.header, parent=other.block_id))
    forgery = made.standing_on(other, {first: elsewhere.truth(first)})

    arena.convicts(forgery, EvidenceKind.STEP, demands=3)
