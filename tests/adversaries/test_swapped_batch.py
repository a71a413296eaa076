"""The step is done on samples that suit the miner, not on those that the seed draws."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.evidence import traced_step
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_swapped_batch(arena: Arena) -> None:
    made = arena.made
    suits = traced_step(made.workload, replace(made.header, indices=(1, 2, 3, 4)), made.pre)

    arena.convicts(made.with_trace(suits), EvidenceKind.REQUIREMENT, EvidenceKind.STEP)
