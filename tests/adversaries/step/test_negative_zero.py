"""One activation is -0 where the step gives +0: equal to any comparison, and yet other bits."""

from __future__ import annotations

import numpy as np

from pol_oracle.canonical.operations import Kind
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_negative_zero(arena: Arena) -> None:
    made = arena.made
    tensor = made.number(Kind.GATHER)  # the padded images
    element = int(np.flatnonzero(made.step.tensors[tensor].reshape(-1) == 0)[0])
    forgery = made.altered(tensor, element, lambda _: np.float32(-0.0))

    arena.convicts(forgery, EvidenceKind.STEP)
