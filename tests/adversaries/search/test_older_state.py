"""W is that of an older block: the segment after the grandparent, proven upon again."""

from __future__ import annotations

from pol_oracle.evidence import TraceId
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import honest


def test_older_state(arena: Arena) -> None:
    made, first = arena.made, TraceId(Tree.SEGMENT, 0)
    child = honest(arena.workload, made.id, arena.cheat.address, DIFFICULTY, below=made)
    forgery = child.standing_on(made.segment, {first: made.truth(first)})

    arena.convicts(forgery, EvidenceKind.WITHHELD, demands=2)  # its first step does not begin at the parent's W'
