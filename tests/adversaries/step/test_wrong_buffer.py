"""The running statistics of a batch norm are not those that the step gives."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_wrong_buffer(arena: Arena) -> None:
    made = arena.made
    names = [weight.name for weight in made.workload.model.state]
    buffer = made.step.program.posts_from + next(i for i, name in enumerate(names) if "running_mean" in name)
    forgery = made.retraced({buffer: made.step.tensors[buffer] + 1})

    arena.convicts(forgery, EvidenceKind.STEP, demands=2)
