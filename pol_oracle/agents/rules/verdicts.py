"""What an agent knows of a block beyond L1: its own replay, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import MissingItem, Position

if TYPE_CHECKING:
    from pol_oracle.evidence import Answer, FraudProof, Shown
    from pol_oracle.view.blocks import BlockView
    from pol_oracle.view.lineage import Lineage


@dataclass(frozen=True)
class Verdict:
    """The result of one replay. "Could not replay" is no verdict but a :class:`~pol_oracle.protocol.errors.StoreError`.

    Attributes:
        block_id: 32 bytes.
        kind: what is wrong with the block, None if nothing is.
        reason: one clause for people, "" if nothing is wrong.
        proof: a call of the Court that shows what is wrong with the block, or with an explanation that stands.
        lacks: what must be shown on L1 first, before there can be a proof.
        dead_end: nothing is wrong with it, but the segment after it or the evaluation of its end is not finite: no
            child of it can be valid.
    """

    block_id: bytes
    kind: EvidenceKind | None = None
    reason: str = ""
    proof: FraudProof | None = None
    lacks: MissingItem | None = None
    dead_end: bool = False

    @property
    def right(self) -> bool:
        """Nothing is wrong with the block; there may be with an explanation."""
        return self.kind is None

    @property
    def valid(self) -> bool:
        """It is right, and can be built on."""
        return self.right and not self.dead_end


@dataclass(frozen=True)
class Unserved:
    """Replays that failed for want of a state.

    Attributes:
        failures: attempts so far.
        reason: what was said.
    """

    failures: int
    reason: str


@dataclass(frozen=True)
class Challenge:
    """A call of the Court, and the commitment to it that must be on L1 before.

    Attributes:
        commitment: 32 bytes.
        salt: the call's last argument, 32 bytes; keeps the commitment from being guessed.
        data: the call's data.
    """

    commitment: bytes
    salt: bytes
    data: bytes


Replay = Callable[["BlockView", "Lineage", "Shown", Callable[[], bool]], Verdict]
"""Checks one block. Takes the block, the lineage of its parent, what was shown of it on L1, and a function
"cancelled?". It says what must be demanded on L1; raises StoreError where W is the miner's and not served."""
Answerer = Callable[["BlockView", "Lineage", Position, Callable[[], bool]], "Answer"]
"""Computes the answer to a demand about a block. Takes the block, the lineage of its parent, what is demanded, and a
function "cancelled?". Raises StoreError where W is the miner's and not served."""
