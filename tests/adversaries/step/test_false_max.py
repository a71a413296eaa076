"""A MAX of the trace is wrong: a maximum that max-pooling takes. All that follows is computed from it."""

from __future__ import annotations

from pol_oracle.canonical.operations import Kind
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_false_max(arena: Arena) -> None:
    made = arena.made
    tensor = made.number(Kind.MAX)
    wrong = made.step.tensors[tensor].copy()
    wrong.reshape(-1)[0] += 1

    arena.convicts(made.consistent(tensor, wrong), EvidenceKind.STEP)
