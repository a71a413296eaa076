"""The tree of correct-bits is right, and the header claims five more."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_inflated_count(arena: Arena) -> None:
    tree = arena.made.bits_tree
    forgery = arena.made.with_accuracy(tree, correct_after=tree.root.after + 5)

    arena.convicts(forgery, EvidenceKind.ACCURACY, demands=0)
