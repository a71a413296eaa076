"""A proof that was good for another parent, proposed again with the samples that the new seed demands."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.evidence import TraceId
from pol_oracle.fixtures.forged import own_indices
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import honest


def test_old_proof(arena: Arena) -> None:
    old = honest(arena.workload, keccak(b"another parent"), arena.cheat.address, DIFFICULTY)
    first = TraceId(Tree.SEGMENT, 0)
    moved = replace(old.header, parent=arena.made.header.parent)
    header = replace(moved, indices=own_indices(arena.workload.task, moved))

    arena.convicts(replace(old, header=header, lies={first: old.truth(first)}), EvidenceKind.STEP, demands=3)
