"""W and W' are served, and of a wrong trace only what is demanded on L1."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.canonical.operations import Kind
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_wrong_trace_served_on_l1_only(arena: Arena) -> None:
    made = arena.made
    forgery = made.altered(made.number(Kind.DOT, -1), 0, lambda x: x + 1)

    arena.convicts(replace(forgery, publishes=frozenset({"pre", "post", "bits"})), EvidenceKind.STEP, demands=2)
