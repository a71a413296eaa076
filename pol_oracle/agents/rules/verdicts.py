"""What an agent knows of a block beyond L1: its own replay, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import MissingItem, Position
from pol_oracle.protocol.types import BlockId

if TYPE_CHECKING:
    from pol_oracle.evidence import Answer, FraudProof, Shown
    from pol_oracle.view.blocks import BlockView
    from pol_oracle.view.lineage import Lineage


@dataclass(frozen=True)
class Invalid:
    """Something is wrong, and here is the proof.

    Attributes:
        block_id: 32 bytes.
        reason: one clause for people.
        proof: a call of the Court that shows what is wrong with the block, or with an explanation that stands.
    """

    block_id: BlockId
    reason: str
    proof: FraudProof

    @property
    def kind(self) -> EvidenceKind:
        """What a wrong block falls for: with its last explanation refuted, for want of one."""
        return EvidenceKind.UNEXPLAINED if self.proof.kind is None else self.proof.kind


@dataclass(frozen=True)
class Unavailable:
    """Something is wrong, and there can be no proof before more is shown on L1.

    Attributes:
        block_id: 32 bytes.
        reason: one clause for people.
        lacks: what is to be demanded.
    """

    block_id: BlockId
    reason: str
    lacks: MissingItem


@dataclass(frozen=True)
class Valid:
    """Nothing is wrong with the block.

    Attributes:
        block_id: 32 bytes.
        dead_end: the segment after it or the evaluation of its end is not finite: no child of it can be valid.
        false_explanation: what somebody else says of it, under their own name, and was shown to be wrong.
    """

    block_id: BlockId
    dead_end: bool = False
    false_explanation: Invalid | None = None


Verdict = Valid | Invalid | Unavailable
"""The result of one replay. "Could not replay" is no verdict but a :class:`~pol_oracle.protocol.errors.StoreError`."""


def accusation(verdict: Verdict | None) -> Invalid | Unavailable | None:
    """Returns what a verdict has to bring before L1: against the block, or against an explanation of it."""
    return verdict.false_explanation if isinstance(verdict, Valid) else verdict


def can_be_built_on(verdict: Verdict | None) -> bool:
    """Says whether a block was found right, and may have valid children."""
    return isinstance(verdict, Valid) and not verdict.dead_end


@dataclass(frozen=True)
class Unserved:
    """Replays that failed for want of a state.

    Attributes:
        failures: attempts so far.
        reason: what was said.
    """

    failures: int
    reason: str


Replay = Callable[["BlockView", "Lineage", "Shown", Callable[[], bool]], Verdict]
"""Checks one block. Takes the block, the lineage of its parent, what was shown of it on L1, and a function
"cancelled?". It says what must be demanded on L1; raises StoreError where W is the miner's and not served."""
Answerer = Callable[["BlockView", "Lineage", Position, Callable[[], bool]], "Answer"]
"""Computes the answer to a demand about a block. Takes the block, the lineage of its parent, what is demanded, and a
function "cancelled?". Raises StoreError where W is the miner's and not served."""
