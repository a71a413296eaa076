"""One dataclass per event of our contracts; ``logs.py`` decodes them.

Field names are the ABI's in snake_case; bytes32 is ``bytes``, an address checksummed hex, an enum its Python twin,
``struct Header`` a :class:`~pol_oracle.protocol.header.Header`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Outcome, Role, Status


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
    bits: int
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
    """Pending -> Orphaned."""

    block_id: bytes
    miner: str
    at: LogPosition


@dataclass(frozen=True)
class BondForfeited:
    """A slashed block's bond (``amount`` wei) was taken: half burned, half to the challenger."""

    block_id: bytes
    miner: str
    challenger: str
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
    """A locked bond was taken: ``burned`` destroyed, ``awarded`` credited to the beneficiary."""

    account: str
    role: Role
    beneficiary: str
    burned: int
    awarded: int
    at: LogPosition


@dataclass(frozen=True)
class Collected:
    """Credit was paid out."""

    account: str
    amount: int
    at: LogPosition


@dataclass(frozen=True)
class Frozen:
    """A verifier voted: its bond cannot be unbonded before ``until`` (L1 seconds)."""

    account: str
    until: int
    at: LogPosition


# --- Court and Committee ---


@dataclass(frozen=True)
class ChallengeCommitted:
    """Somebody committed to a challenge; the lower ``order`` wins."""

    challenger: str
    commitment: bytes
    order: int
    at: LogPosition


@dataclass(frozen=True)
class ChallengeProven:
    """The Court saw proof that a block is wrong."""

    block_id: bytes
    challenger: str
    kind: EvidenceKind
    at: LogPosition


@dataclass(frozen=True)
class DisputeOpened:
    """The committee votes on a block until ``deadline`` (L1 seconds)."""

    block_id: bytes
    kind: EvidenceKind
    challenger: str
    deadline: int
    at: LogPosition


@dataclass(frozen=True)
class DisputeSettled:
    """The committee's decision was carried out."""

    block_id: bytes
    kind: EvidenceKind
    outcome: Outcome
    at: LogPosition


@dataclass(frozen=True)
class BountyAssigned:
    """The bounty of a slashed block now belongs to this challenger."""

    block_id: bytes
    challenger: str
    order: int
    at: LogPosition


@dataclass(frozen=True)
class Voted:
    """A verifier voted with ``weight`` wei of stake."""

    dispute_id: bytes
    verifier: str
    guilty: bool
    weight: int
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
    | Collected
    | Frozen
    | ChallengeCommitted
    | ChallengeProven
    | DisputeOpened
    | DisputeSettled
    | BountyAssigned
    | Voted
)
EVENTS: tuple[type[Event], ...] = get_args(Event)
