"""The step learns another label for one sample, and is right but for that."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_wrong_label(arena: Arena) -> None:
    made = arena.made
    labels = len(made.step.program.state) + 1
    wrong = made.step.tensors[labels].copy()
    wrong.flat[1] = (wrong.flat[1] + 1) % 10  # so little that R is still met
    forgery = made.retraced({labels: wrong}).consistent(labels + 1, made.step.tensors[labels + 1])

    arena.convicts(forgery, EvidenceKind.STEP)
