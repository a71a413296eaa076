"""One dataclass per event of our contracts, those about disputes in ``disputes.py``; ``logs.py`` decodes them.

Field names are the ABI's in snake_case; bytes32 is ``bytes``, an address checksummed hex, an enum its Python twin,
``struct Header`` a :class:`~pol_oracle.protocol.header.Header`, ``struct Position`` a
:class:`~pol_oracle.protocol.positions.Position`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.types import Address, BlockId, Wei

from ..records import LogPosition
from .disputes import (
    BountyAssigned,
    ChallengeCommitted,
    DeadlineMoved,
    Demanded,
    DemandExpired,
    DemandSettled,
    Explained,
    ExplanationDemanded,
    ExplanationExpired,
    ExplanationMoved,
    ExplanationRefuted,
    ExplanationSettled,
    Revealed,
    SpeakerReleased,
)

# --- PoLRegistry ---


@dataclass(frozen=True)
class BlockProposed:
    """A miner proposed a block and locked its bond."""

    block_id: BlockId
    parent: BlockId
    miner: Address
    height: int
    difficulty: int
    header: Header
    at: LogPosition


@dataclass(frozen=True)
class HeadChanged:
    """The fork choice picked another block."""

    block_id: BlockId
    total_work: int
    at: LogPosition


@dataclass(frozen=True)
class HeadContested:
    """A block beside the head's branch was the head, or somebody showed that it is live.

    What becomes final beside it must be better.
    """

    block_id: BlockId
    at: LogPosition


@dataclass(frozen=True)
class RivalDismissed:
    """Such a block contends no more: it has fallen, or is below the head again."""

    block_id: BlockId
    at: LogPosition


@dataclass(frozen=True)
class Attested:
    """A verifier attested to a pending block."""

    block_id: BlockId
    verifier: Address
    at: LogPosition


@dataclass(frozen=True)
class BlockFinalized:
    """Pending -> Finalized. ``reward`` is in the token's smallest unit."""

    block_id: BlockId
    miner: Address
    reward: int
    at: LogPosition


@dataclass(frozen=True)
class BlockSlashed:
    """Pending -> Slashed."""

    block_id: BlockId
    miner: Address
    kind: EvidenceKind
    at: LogPosition


@dataclass(frozen=True)
class BlockOrphaned:
    """Pending -> Orphaned; ``loss`` wei of the miner's bond were burned if a block below was slashed."""

    block_id: BlockId
    miner: Address
    loss: Wei
    at: LogPosition


@dataclass(frozen=True)
class BondForfeited:
    """A slashed block's bond (``amount`` wei) was taken: half burned, the rest to who was first and who proved it."""

    block_id: BlockId
    miner: Address
    first: str
    prover: Address
    amount: Wei
    at: LogPosition


@dataclass(frozen=True)
class AttestationSettled:
    """An attestation ended: ``reward`` in the token's smallest unit, ``loss`` in wei."""

    block_id: BlockId
    verifier: Address
    outcome: Status
    reward: int
    loss: Wei
    at: LogPosition


# --- BondVault; amounts in wei ---


@dataclass(frozen=True)
class Deposited:
    """ETH became a free bond."""

    account: Address
    role: Role
    amount: Wei
    at: LogPosition


@dataclass(frozen=True)
class Unbonded:
    """A free bond became credit."""

    account: Address
    role: Role
    amount: Wei
    at: LogPosition


@dataclass(frozen=True)
class Locked:
    """A free bond was locked."""

    account: Address
    role: Role
    amount: Wei
    at: LogPosition


@dataclass(frozen=True)
class Unlocked:
    """A locked bond became free."""

    account: Address
    role: Role
    amount: Wei
    at: LogPosition


@dataclass(frozen=True)
class Forfeited:
    """A locked bond was taken: ``burned`` of ``amount`` destroyed, the rest, if any, credited by other events."""

    account: Address
    role: Role
    amount: Wei
    burned: Wei
    at: LogPosition


@dataclass(frozen=True)
class Credited:
    """A share of a forfeited bond became credit."""

    account: Address
    amount: Wei
    at: LogPosition


@dataclass(frozen=True)
class Awarded:
    """A locked bond, whole, became the beneficiary's credit: the fee of a demand."""

    account: Address
    role: Role
    beneficiary: Address
    amount: Wei
    at: LogPosition


@dataclass(frozen=True)
class Collected:
    """Credit was paid out."""

    account: Address
    amount: Wei
    at: LogPosition


Event = (
    BlockProposed
    | HeadChanged
    | HeadContested
    | RivalDismissed
    | Attested
    | BlockFinalized
    | BlockSlashed
    | BlockOrphaned
    | BondForfeited
    | AttestationSettled
    | Deposited
    | Unbonded
    | Locked
    | Unlocked
    | Forfeited
    | Credited
    | Awarded
    | Collected
    | ChallengeCommitted
    | BountyAssigned
    | Demanded
    | Revealed
    | DeadlineMoved
    | DemandExpired
    | DemandSettled
    | ExplanationDemanded
    | Explained
    | ExplanationRefuted
    | ExplanationMoved
    | ExplanationExpired
    | ExplanationSettled
    | SpeakerReleased
)
EVENTS: tuple[type[Event], ...] = get_args(Event)

__all__ = [
    "EVENTS",
    "AttestationSettled",
    "Attested",
    "Awarded",
    "BlockFinalized",
    "BlockOrphaned",
    "BlockProposed",
    "BlockSlashed",
    "BondForfeited",
    "BountyAssigned",
    "ChallengeCommitted",
    "Collected",
    "Credited",
    "DeadlineMoved",
    "DemandExpired",
    "DemandSettled",
    "Demanded",
    "Deposited",
    "Event",
    "Explained",
    "ExplanationDemanded",
    "ExplanationExpired",
    "ExplanationMoved",
    "ExplanationRefuted",
    "ExplanationSettled",
    "Forfeited",
    "HeadChanged",
    "HeadContested",
    "Locked",
    "LogPosition",
    "Revealed",
    "RivalDismissed",
    "SpeakerReleased",
    "Unbonded",
    "Unlocked",
]
