"""The segment's steps are right, but for their samples: the miner draws them from a seed of its own."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.evidence import TraceId, traced
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree
from pol_oracle.task import state_before
from tests.adversaries.arena import Arena
from tests.adversaries.forging import entry_of, post_of


def test_segment_other_batches(arena: Arena) -> None:
    """Only the last step's: it is the one that leaves the miner most time to choose."""
    made, workload = arena.made, arena.workload
    last = TraceId(Tree.SEGMENT, len(made.segment.entries) - 1)
    before = state_before(workload, made.header.parent, workload.initial, last.index)
    assert before.root == made.segment.entries[-2].state_root
    lie = traced(workload, replace(made.header, parent=keccak(b"a seed of its own")), last, before)
    entries = (*made.segment.entries[:-1], entry_of(lie.roots))
    segment = replace(made.segment, entries=entries, end=post_of(workload, lie))

    arena.convicts(made.standing_on(segment, {last: lie}), EvidenceKind.STEP, demands=3)
