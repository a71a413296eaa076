"""The step is done on samples that suit the miner, not on those that the seed draws."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.evidence import TraceId, traced
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree
from tests.adversaries.arena import Arena


def test_swapped_batch(arena: Arena) -> None:
    made = arena.made
    suits = traced(made.workload, replace(made.header, indices=(1, 2, 3, 4)), TraceId(Tree.STEP), made.pre)

    arena.convicts(made.with_trace(suits), EvidenceKind.STEP)
