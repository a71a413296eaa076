"""A wrong block whose W is shown on L1 only, leaf by leaf, to whoever pays for it."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_served_on_l1_only(arena: Arena) -> None:
    made = arena.made
    forgery = made.altered(made.step.program.posts_from, 3, lambda w: w * 2)

    arena.convicts(replace(forgery, publishes=frozenset()), EvidenceKind.STEP)
