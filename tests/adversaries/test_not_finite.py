"""W is so large that the step overflows; every tensor is what its operation gives."""

from __future__ import annotations

from pol_oracle.canonical.state import State
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import BITS, Arena
from tests.adversaries.forging import honest


def test_not_finite(arena: Arena) -> None:
    flat = arena.made.pre.flat.copy()
    flat[: arena.made.pre.tensors[0].size] = 3e38
    huge = State(arena.workload.model, flat)
    forgery = honest(arena.workload, arena.made.header.parent, arena.cheat.address, BITS, searched=False, pre=huge)

    arena.convicts(forgery, EvidenceKind.STEP)
