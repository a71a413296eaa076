"""In the middle of the segment the weights become so large that all later steps overflow, as the operations have it."""

from __future__ import annotations

import numpy as np

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena
from tests.adversaries.forging import retraced


def test_not_finite(arena: Arena) -> None:
    weights = arena.made.step.program.posts_from
    huge = np.full_like(arena.made.step.tensors[weights], 3e38)
    forgery = arena.made.derailed(1, lambda step: retraced(step, {weights: huge}))

    arena.convicts(forgery, EvidenceKind.STEP, demands=3)
