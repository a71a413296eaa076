"""A right block, of which nothing is served and nothing shown."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_nothing_served(arena: Arena) -> None:
    forgery = replace(arena.made, publishes=frozenset(), answers=False)

    arena.convicts(forgery, EvidenceKind.WITHHELD)
