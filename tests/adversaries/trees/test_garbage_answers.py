"""A wrong trace, and garbage for answers: the contract takes none of it."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.canonical.commitments.trees import Opening
from pol_oracle.canonical.operations import Kind
from pol_oracle.evidence import Answer
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def garbled(answer: Answer) -> Answer:
    """Another last root, or other leaves."""
    program, shown, segment = answer.arguments
    if answer.function == "revealRoots":
        return replace(answer, arguments=(program, [*shown[:-1], keccak(b"garbage")], segment))
    opening = Opening.of(shown)
    (leaves,) = opening.slices
    wrong = replace(opening, slices=(replace(leaves, leaves=leaves.leaves[::-1]),))
    return replace(answer, arguments=(program, wrong.abi(), segment))


def test_garbage_answers(arena: Arena) -> None:
    made = arena.made
    forgery = made.altered(made.number(Kind.MAP), 0, lambda x: x + 1)

    arena.convicts(forgery, EvidenceKind.WITHHELD, demands=1, twist=garbled)
    assert "WrongRoot" in arena.refused  # not for want of an answer
