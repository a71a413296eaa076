"""One dataclass per event of our contracts; ``logs.py`` decodes them.

Field names are the ABI's in snake_case; bytes32 is ``bytes``, an address checksummed hex, an enum its Python twin,
``struct Header`` a :class:`~pol_oracle.protocol.header.Header`, ``struct Position`` a
:class:`~pol_oracle.protocol.positions.Position`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Position, Tree


@dataclass(frozen=True)
class LogPosition:
    """Where on L1 a log stands; (l1_block, log_index) orders all events.

    Attributes:
        l1_block: number of the L1 block.
        l1_hash: hash of the L1 block, 32 bytes.
        log_index: of the log in that block.
        timestamp: of the L1 block, in seconds.
        tx_hash: of the transaction that emitted it, 32 bytes.
    """

    l1_block: int
    l1_hash: bytes
    log_index: int
    timestamp: int
    tx_hash: bytes


# --- PoLRegistry ---


@dataclass(frozen=True)
class BlockProposed:
    """A miner proposed a block and locked its bond."""

    block_id: bytes
    parent: bytes
    miner: str
    height: int
    difficulty: int
    header: Header
    at: LogPosition


@dataclass(frozen=True)
class HeadChanged:
    """The fork choice picked another block."""

    block_id: bytes
    total_work: int
    at: LogPosition


@dataclass(frozen=True)
class Attested:
    """A verifier attested to a pending block."""

    block_id: bytes
    verifier: str
    at: LogPosition


@dataclass(frozen=True)
class BlockFinalized:
    """Pending -> Finalized. ``reward`` is in the token's smallest unit."""

    block_id: bytes
    miner: str
    reward: int
    at: LogPosition


@dataclass(frozen=True)
class BlockSlashed:
    """Pending -> Slashed."""

    block_id: bytes
    miner: str
    kind: EvidenceKind
    at: LogPosition


@dataclass(frozen=True)
class BlockOrphaned:
    """Pending -> Orphaned; ``loss`` wei of the miner's bond were burned if a block below was slashed."""

    block_id: bytes
    miner: str
    loss: int
    at: LogPosition


@dataclass(frozen=True)
class BondForfeited:
    """A slashed block's bond (``amount`` wei) was taken: half burned, the rest to who was first and who proved it."""

    block_id: bytes
    miner: str
    first: str
    prover: str
    amount: int
    at: LogPosition


@dataclass(frozen=True)
class AttestationSettled:
    """An attestation ended: ``reward`` in the token's smallest unit, ``loss`` in wei."""

    block_id: bytes
    verifier: str
    outcome: Status
    reward: int
    loss: int
    at: LogPosition


# --- BondVault; amounts in wei ---


@dataclass(frozen=True)
class Deposited:
    """ETH became a free bond."""

    account: str
    role: Role
    amount: int
    at: LogPosition


@dataclass(frozen=True)
class Unbonded:
    """A free bond became credit."""

    account: str
    role: Role
    amount: int
    at: LogPosition


@dataclass(frozen=True)
class Locked:
    """A free bond was locked."""

    account: str
    role: Role
    amount: int
    at: LogPosition


@dataclass(frozen=True)
class Unlocked:
    """A locked bond became free."""

    account: str
    role: Role
    amount: int
    at: LogPosition


@dataclass(frozen=True)
class Forfeited:
    """A locked bond was taken: ``burned`` of ``amount`` destroyed, the rest, if any, credited by other events."""

    account: str
    role: Role
    amount: int
    burned: int
    at: LogPosition


@dataclass(frozen=True)
class Credited:
    """A share of a forfeited bond became credit."""

    account: str
    amount: int
    at: LogPosition


@dataclass(frozen=True)
class Awarded:
    """A locked bond, whole, became the beneficiary's credit: the fee of a demand."""

    account: str
    role: Role
    beneficiary: str
    amount: int
    at: LogPosition


@dataclass(frozen=True)
class Collected:
    """Credit was paid out."""

    account: str
    amount: int
    at: LogPosition


# --- Bounties ---


@dataclass(frozen=True)
class ChallengeCommitted:
    """Somebody committed to a challenge; the lower ``order`` wins."""

    challenger: str
    commitment: bytes
    order: int
    at: LogPosition


@dataclass(frozen=True)
class BountyAssigned:
    """The bounty of a slashed block now belongs to this challenger: it proved the block wrong, or got no answer."""

    block_id: bytes
    challenger: str
    kind: EvidenceKind
    order: int
    at: LogPosition


# --- Demands ---


@dataclass(frozen=True)
class Demanded:
    """Somebody wants a part of a block's trees shown on L1 before ``deadline`` (L1 seconds)."""

    block_id: bytes
    demand_id: bytes
    demander: str
    position: Position
    deadline: int
    order: int
    at: LogPosition


@dataclass(frozen=True)
class Revealed:
    """A demand was answered; ``answer`` is what was shown, ABI-encoded."""

    block_id: bytes
    demand_id: bytes
    responder: str
    answer: bytes
    at: LogPosition


@dataclass(frozen=True)
class Explained:
    """The miner committed itself to how it evaluated a sample."""

    block_id: bytes
    tree: Tree
    sample: int
    trace_root: bytes
    at: LogPosition


@dataclass(frozen=True)
class DemandExpired:
    """Nobody answered a demand in time, and somebody said so: the block is slashed."""

    block_id: bytes
    demand_id: bytes
    demander: str
    at: LogPosition


@dataclass(frozen=True)
class DemandSettled:
    """The fee of a demand (wei) went to whoever answered it, or back to the demander of a slashed block."""

    block_id: bytes
    demand_id: bytes
    beneficiary: str
    fee: int
    at: LogPosition


Event = (
    BlockProposed
    | HeadChanged
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
    | Explained
    | DemandExpired
    | DemandSettled
)
EVENTS: tuple[type[Event], ...] = get_args(Event)
