"""A ARGMAX of the trace is wrong: the place of a maximum. All that follows is computed from it."""

from __future__ import annotations

from pol_oracle.canonical.operations import Kind
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_false_argmax(arena: Arena) -> None:
    made = arena.made
    tensor = made.number(Kind.ARGMAX)
    wrong = made.step.tensors[tensor].copy()
    wrong.reshape(-1)[5] += 1

    arena.convicts(made.consistent(tensor, wrong), EvidenceKind.STEP)
