"""The leaves of the tree of correct-bits are right; a sum above them is not, and the header agrees with it."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.canonical.commitments.accuracy import AccuracyTree, grow
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_lying_sum(arena: Arena) -> None:
    made = arena.made
    contents = [made.bits_tree.content(0, i) for i in range(len(made.bits_tree.levels[0]))]
    first, *others = made.bits_tree.levels[0]
    lying = AccuracyTree(contents, grow([replace(first, after=first.after + 9), *others]))

    arena.convicts(made.with_accuracy(lying), EvidenceKind.WITHHELD, demands=1)
