"""A fraction of a bit ignored: the whole bits' requirements are met, and the one that the hash of W' adds is not."""

from __future__ import annotations

from pol_oracle.protocol.difficulty import whole_bits
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import honest


def test_extra_requirement_not_met(arena: Arena) -> None:
    genesis = arena.made.header.parent
    forgery = honest(arena.workload, genesis, arena.cheat.address, DIFFICULTY, missed=whole_bits(DIFFICULTY))

    arena.convicts(forgery, EvidenceKind.REQUIREMENT, demands=0)
