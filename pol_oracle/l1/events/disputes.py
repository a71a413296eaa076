"""The events of Bounties, Demands and Explanations; see ``typed.py``."""

from __future__ import annotations

from dataclasses import dataclass

from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Position, Tree
from pol_oracle.protocol.types import Address, BlockId, DemandId, Root, Seconds, Wei

from ..records import LogPosition

# --- Bounties ---


@dataclass(frozen=True)
class ChallengeCommitted:
    """Somebody committed to a challenge; the lower ``order`` wins."""

    challenger: Address
    commitment: bytes
    order: int
    at: LogPosition


@dataclass(frozen=True)
class BountyAssigned:
    """The bounty of a slashed block now belongs to this challenger: it proved the block wrong, or got no answer."""

    block_id: BlockId
    challenger: Address
    kind: EvidenceKind
    order: int
    at: LogPosition


# --- Demands ---


@dataclass(frozen=True)
class Demanded:
    """Somebody wants a part of a block's trees shown on L1 before ``deadline`` (L1 seconds)."""

    block_id: BlockId
    demand_id: DemandId
    demander: Address
    position: Position
    deadline: Seconds
    order: int
    at: LogPosition


@dataclass(frozen=True)
class Revealed:
    """A demand was answered; ``answer`` is what was shown, ABI-encoded."""

    block_id: BlockId
    demand_id: DemandId
    responder: Address
    answer: bytes
    at: LogPosition


@dataclass(frozen=True)
class DeadlineMoved:
    """A demand has to be answered earlier than was said: fewer others wait by now."""

    block_id: BlockId
    demand_id: DemandId
    deadline: Seconds
    at: LogPosition


@dataclass(frozen=True)
class DemandExpired:
    """A demand is over: nobody answered it in time, or what it was about does not stand any more."""

    block_id: BlockId
    demand_id: DemandId
    demander: Address
    at: LogPosition


@dataclass(frozen=True)
class DemandSettled:
    """The fee of a demand (wei) went to whoever answered it, or back to the demander of a slashed block."""

    block_id: BlockId
    demand_id: DemandId
    beneficiary: Address
    fee: Wei
    at: LogPosition


# --- Explanations: how a test sample is evaluated with W or W' ---


@dataclass(frozen=True)
class ExplanationDemanded:
    """Somebody wants an evaluation explained before ``deadline``; ``bit`` is what the block claims of the sample."""

    block_id: BlockId
    tree: Tree
    sample: int
    demander: Address
    deadline: Seconds
    order: int
    bit: bool
    at: LogPosition


@dataclass(frozen=True)
class Explained:
    """Somebody answers with a bond for how a sample is evaluated; ``answer`` is what was shown, ABI-encoded.

    One bond is for all that it explains of a block.
    """

    block_id: BlockId
    tree: Tree
    sample: int
    author: Address
    trace_root: Root
    answer: bytes
    at: LogPosition


@dataclass(frozen=True)
class ExplanationRefuted:
    """An explanation was proven wrong.

    Or (``challenger``: nobody) its author did not show a part of it in time, or has fallen over another one. The block
    has until ``deadline`` for the next.
    """

    block_id: BlockId
    tree: Tree
    sample: int
    author: Address
    challenger: Address
    deadline: Seconds
    at: LogPosition


@dataclass(frozen=True)
class ExplanationMoved:
    """An explanation has to be given earlier than was said."""

    block_id: BlockId
    tree: Tree
    sample: int
    deadline: Seconds
    at: LogPosition


@dataclass(frozen=True)
class ExplanationExpired:
    """No explanation stood at the deadline, and somebody said so: the block is slashed."""

    block_id: BlockId
    tree: Tree
    sample: int
    at: LogPosition


@dataclass(frozen=True)
class ExplanationSettled:
    """The fee of an explanation (wei) went to the author of the one that stood, or back to the demander."""

    block_id: BlockId
    tree: Tree
    sample: int
    beneficiary: Address
    fee: Wei
    at: LogPosition


@dataclass(frozen=True)
class SpeakerReleased:
    """The bond with which an author answered for all that it explained of a block is free again."""

    block_id: BlockId
    author: Address
    at: LogPosition
