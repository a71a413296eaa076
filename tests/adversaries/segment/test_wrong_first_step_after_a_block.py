"""The first step of a segment that follows a block, not genesis: the parent's header shows where it starts."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import honest, next_weight


def test_wrong_first_step_after_a_block(arena: Arena) -> None:
    made = arena.made
    child = honest(arena.workload, made.id, arena.cheat.address, DIFFICULTY, below=made)

    arena.convicts(child.derailed(0, next_weight), EvidenceKind.STEP, demands=3)
