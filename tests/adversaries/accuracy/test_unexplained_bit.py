"""One sample counts as correct, and the miner never says how it evaluated it."""

from __future__ import annotations

from pol_oracle.evidence import Answer
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def nothing_but_bits(answer: Answer) -> Answer:
    """Shows the bits, but no evaluation."""
    if answer.function != "revealBits":
        raise StoreError("it shows no evaluation")
    return answer


def test_unexplained_bit(arena: Arena) -> None:
    forgery, _ = arena.made.wrong_bit()

    arena.convicts(forgery, EvidenceKind.UNEXPLAINED, demands=2, twist=nothing_but_bits)
