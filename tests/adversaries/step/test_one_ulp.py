"""One weight of W' is the next float32: the smallest lie there is."""

from __future__ import annotations

import numpy as np

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_one_ulp(arena: Arena) -> None:
    first_weight = arena.made.step.program.posts_from
    forgery = arena.made.altered(first_weight, 7, lambda w: np.nextafter(w, np.float32(np.inf)))

    arena.convicts(forgery, EvidenceKind.STEP, demands=2)
