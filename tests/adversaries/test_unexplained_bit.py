"""One sample counts as correct, and the miner never says how it evaluated it."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_unexplained_bit(arena: Arena) -> None:
    forgery, _ = arena.made.wrong_bit()

    arena.convicts(replace(forgery, answers=False), EvidenceKind.UNEXPLAINED, demands=1)
