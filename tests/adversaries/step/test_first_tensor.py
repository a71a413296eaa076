"""One pixel of the first tensor that the trace adds, the images, is not the training set's."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_first_tensor(arena: Arena) -> None:
    images = len(arena.made.step.program.state)
    forgery = arena.made.altered(images, 3072 + 17, lambda pixel: pixel + 1)

    arena.convicts(forgery, EvidenceKind.STEP)
