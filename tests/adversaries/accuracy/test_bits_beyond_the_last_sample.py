"""Bits after the last test sample are set, and counted."""

from __future__ import annotations

import numpy as np

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_bits_beyond_the_last_sample(arena: Arena) -> None:
    before, after = arena.made.bits()
    longer = np.ones(8, np.bool_)
    tree = AccuracyTree.of(np.concatenate([before, ~longer]), np.concatenate([after, longer]))

    arena.convicts(arena.made.with_accuracy(tree), EvidenceKind.WITHHELD, demands=1)
