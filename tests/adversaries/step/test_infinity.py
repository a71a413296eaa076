"""Values of the trace are replaced by an infinity and a NaN: wrong wherever they stand, whatever they come from."""

from __future__ import annotations

import numpy as np

from pol_oracle.canonical.operations import Kind
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_infinity(arena: Arena) -> None:
    made = arena.made
    tensor = made.number(Kind.DOT)
    forgery = made.altered(tensor, 0, lambda _: np.float32(np.inf)).altered(tensor, 1, lambda _: np.float32(np.nan))

    arena.convicts(forgery, EvidenceKind.STEP)
