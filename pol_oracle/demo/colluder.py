"""What a colluding verifier makes of a block: a friend's is right, and any other must be wrong.

It demands things of honest blocks, so that they wait and their miners work, and then accuses them of a false count of
correct samples: with bits that are invented, or that it had shown. It pays for the demands, and the Court refuses the
accusations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from eth_abi.abi import decode

from pol_oracle.agents.rules.verdicts import Invalid, Unavailable, Valid, Verdict
from pol_oracle.canonical.commitments.accuracy import AccuracyTree, bits_of
from pol_oracle.evidence import FraudProof, Shown
from pol_oracle.evidence.accuracy import sums_proof
from pol_oracle.evidence.shown import ANSWER_TYPES
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Item, MissingItem, Position, Tree
from pol_oracle.protocol.task import Task
from pol_oracle.view.blocks import BlockView

BITS = Position(Item.BITS)
NO_PROGRAM = (b"",)  # what they demand is no part of a tensor


@dataclass(frozen=True)
class Colluder:
    """Replays nothing.

    Attributes:
        friends: miners whose blocks it vouches for.
        me: its address.
        task: which traces can be demanded.
    """

    friends: frozenset[str]
    me: str
    task: Task

    def __call__(self, block: BlockView, lineage: object, shown: Shown, cancelled: object) -> Verdict:
        """See :data:`pol_oracle.agents.rules.verdicts.Replay`."""
        if block.miner in self.friends or block.header is None:
            return Valid(block.id)
        drawn = int.from_bytes(keccak(block.id + bytes.fromhex(self.me[2:])), "big")
        if drawn & 1 and BITS not in shown:  # first it has to see the bits that it will misread
            return Unavailable(block.id, "not a friend's", MissingItem(BITS, NO_PROGRAM))
        if not drawn & 1 and (lacks := self._walk(drawn >> 1, shown)):
            return Unavailable(block.id, "not a friend's", lacks)
        lie = self._accusation(block.header, self._shown(shown) if drawn & 1 else self._invented())
        return Invalid(block.id, "not a friend's", lie)

    def _walk(self, drawn: int, shown: Shown) -> MissingItem | None:
        """The next part, which takes work to show, on the way to the roots of a trace or to an explanation."""
        tree, rest = list(Tree)[drawn % len(Tree)], drawn // len(Tree)
        traces = self.task.test_count if tree.evaluates else self.task.training_steps
        end = Position(Item.ROOTS, tree, rest % traces if tree is not Tree.STEP else 0)
        lacks = next((position for position in (*end.above, end) if position not in shown), None)
        if lacks is None:
            return None
        return MissingItem(lacks, self._shown(shown).open(lacks.index) if lacks.explains else NO_PROGRAM)

    def _accusation(self, header: Header, tree: AccuracyTree) -> FraudProof:
        """Accuses the header of claiming other sums than its tree of bits has."""
        return sums_proof(header, tree, len(tree.levels) - 1, 0, header.correct_before, header.correct_after)

    def _shown(self, shown: Shown) -> AccuracyTree:
        pairs: Sequence[tuple[bytes, bytes]]
        (pairs,) = decode(ANSWER_TYPES[Item.BITS], shown[BITS])
        return AccuracyTree.of(*bits_of(b"".join(left + right for left, right in pairs), self.task.test_count))

    def _invented(self) -> AccuracyTree:
        nothing = np.zeros(self.task.test_count, bool)
        return AccuracyTree.of(nothing, nothing)
