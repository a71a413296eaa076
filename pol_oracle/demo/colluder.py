"""What a colluding verifier makes of a block: a friend's is right, and any other must be wrong.

It demands things of honest blocks, so that they wait and their miners work, and accuses them of a false count of
correct samples: with evidence that is genuine and shows nothing, or invented. It pays for the first, and the Court
refuses the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.agents.verdicts import Verdict
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Item, Position, Tree

if TYPE_CHECKING:
    from pol_oracle.agents.blocks import BlockView
    from pol_oracle.canonical.accuracy import AccuracyTree
    from pol_oracle.evidence import FraudProof
    from pol_oracle.protocol.header import Header
    from pol_oracle.store import StateStore


@dataclass(frozen=True)
class Colluder:
    """Replays nothing.

    Attributes:
        friends: miners whose blocks it vouches for.
        me: its address.
        store: where miners publish.
        samples: |E|.
    """

    friends: frozenset[str]
    me: str
    store: StateStore
    samples: int

    def __call__(self, block: BlockView, shown: object, insist: bool, cancelled: object) -> Verdict:
        """See :data:`pol_oracle.agents.verdicts.Replay`."""
        if block.miner in self.friends or block.header is None:
            return Verdict(block.id)
        drawn = int.from_bytes(keccak(block.id + bytes.fromhex(self.me[2:])), "big")
        kind, lie = EvidenceKind.ACCURACY, self._accusation(block.header, invented=bool(drawn & 1))
        return Verdict(block.id, kind, "not a friend's", lie, (self._demand(drawn >> 1),))

    def _demand(self, drawn: int) -> Position:
        """The roots of the step, or those of an evaluation, which only the miner can give."""
        tree = list(Tree)[drawn % len(Tree)]
        return Position(Item.ROOTS, tree, 0 if tree is Tree.STEP else drawn // len(Tree) % self.samples)

    def _accusation(self, header: Header, *, invented: bool) -> FraudProof:
        """Accuses the header of claiming other sums than its tree of bits has."""
        from pol_oracle.evidence.accuracy import sums_proof

        tree = self._invented() if invented else self._served(header)
        return sums_proof(header, tree, len(tree.levels) - 1, 0, header.correct_before, header.correct_after)

    def _served(self, header: Header) -> AccuracyTree:
        from pol_oracle.canonical.accuracy import AccuracyTree, bits_of, words_size

        try:
            words = next(iter(self.store.candidates(header.eval_root, words_size(self.samples))))
        except StoreError:
            return self._invented()
        return AccuracyTree.of(*bits_of(words, self.samples))

    def _invented(self) -> AccuracyTree:
        import numpy as np

        from pol_oracle.canonical.accuracy import AccuracyTree

        nothing = np.zeros(self.samples, bool)
        return AccuracyTree.of(nothing, nothing)
