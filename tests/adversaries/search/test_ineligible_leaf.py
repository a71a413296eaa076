"""R is met by weights that it may not name: those of the classifier, whose directions follow from the labels."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import honest


def test_ineligible_leaf(arena: Arena) -> None:
    names = [weight.name for weight in arena.workload.model.state]
    everywhere = EligibleRange(names.index("fc.weight"), 0, 1, 0, arena.workload.task.eligible_count)
    easy = replace(arena.workload, eligible=EligibleWeights((everywhere,)))
    forgery = honest(easy, arena.made.header.parent, arena.cheat.address, DIFFICULTY, misses=arena.workload)

    arena.convicts(forgery, EvidenceKind.REQUIREMENT, demands=0)
