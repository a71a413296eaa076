"""No search: the first nonce whose step does not move the required weights is proposed."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import honest


def test_requirement_not_met(arena: Arena) -> None:
    genesis = arena.made.header.parent
    forgery = honest(arena.workload, genesis, arena.cheat.address, DIFFICULTY, missed=0)

    arena.convicts(forgery, EvidenceKind.REQUIREMENT, demands=0)
