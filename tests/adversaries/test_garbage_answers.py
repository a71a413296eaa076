"""A wrong trace, and garbage for answers: the contract takes none of them."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.canonical.operations import Kind
from pol_oracle.evidence import Answer
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_garbage_answers(arena: Arena) -> None:
    made = arena.made
    forgery = made.altered(made.number(Kind.MAP), 0, lambda x: x + 1)

    def garbled(answer: Answer) -> Answer:
        return replace(answer, arguments=made_up(answer.arguments))

    arena.convicts(forgery, EvidenceKind.WITHHELD, twist=garbled)
