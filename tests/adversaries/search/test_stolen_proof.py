"""Another miner's proof under one's own address, with the samples that one's own seed demands."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.fixtures.forged import own_indices
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import honest


def test_stolen_proof(arena: Arena) -> None:
    victim = honest(arena.workload, arena.made.header.parent, arena.honest.address, DIFFICULTY)
    copied = replace(victim.header, miner=arena.cheat.address)
    header = replace(copied, indices=own_indices(arena.workload.task, copied))

    arena.convicts(replace(victim, header=header), EvidenceKind.STEP)
