"""The miner reads the requirements as if all weights were eligible, the easy last layer included."""

from __future__ import annotations

from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import honest


def test_ineligible_weight(arena: Arena) -> None:
    from dataclasses import replace

    last = len(arena.workload.model.parameters) - 1  # the classifier's bias
    size = arena.workload.initial.tensors[last].size
    easy = replace(arena.workload, eligible=EligibleWeights((EligibleRange(last, 0, size, size, 1),)))
    forgery = honest(easy, arena.made.header.parent, arena.cheat.address, DIFFICULTY, misses=arena.workload)

    arena.convicts(forgery, EvidenceKind.REQUIREMENT, demands=0)
