"""What L1 answers, as small frozen values; amounts in wei, times in seconds of L1."""

from __future__ import annotations

from dataclasses import dataclass

from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.types import Address, BlockId, Seconds, Wei


@dataclass(frozen=True)
class L1Block:
    """An L1 block: number, 32-byte hash, 32-byte parent hash, timestamp, base fee in wei per gas."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: Seconds
    base_fee: int


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
    timestamp: Seconds
    tx_hash: bytes


@dataclass(frozen=True)
class Receipt:
    """What became of a mined transaction. ``gas_price`` is what was paid, in wei per gas."""

    tx_hash: bytes
    l1_block: int
    l1_hash: bytes
    ok: bool
    gas_used: int
    gas_price: Wei
    contract_address: str | None


@dataclass(frozen=True)
class Transaction:
    """Of an L1 block's body: 32-byte hash, checksummed sender, and the nonce that it holds."""

    hash: bytes
    sender: Address
    nonce: int


@dataclass(frozen=True)
class SentCall:
    """What a mined transaction calls: sender and target, checksummed, and calldata."""

    sender: Address
    target: str
    data: bytes


@dataclass(frozen=True)
class BlockRecord:
    """Mirror of ``struct Block``: what storage keeps of a block."""

    miner: Address
    proposed_at: Seconds
    status: Status
    difficulty: int
    attestations: int
    timely: int
    parent: BlockId
    jump: bytes
    total_work: int
    height: int
    sequence: int
    slashes_seen: int
    child_difficulty: int
    above_slashed: bool
    open_demands: int
    held_until: int


@dataclass(frozen=True)
class Bond:
    """An account's bond in one role."""

    free: Wei
    locked: Wei


@dataclass(frozen=True)
class Commitment:
    """A committed challenge; ``l1_block`` is 0 if there is none."""

    order: int
    l1_block: int
