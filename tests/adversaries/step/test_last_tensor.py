"""The last element of the last tensor of a trace: a batch-norm buffer, which the step must only copy."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_last_tensor(arena: Arena) -> None:
    step = arena.made.step
    last = len(step.tensors) - 1
    forgery = arena.made.altered(last, step.tensors[last].size - 1, lambda b: -b)

    arena.convicts(forgery, EvidenceKind.STEP, demands=2)
