"""What the tables answer, as small frozen values; times in L1 seconds, amounts in the smallest unit."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import NamedTuple

from pol_oracle.l1.events.typed import Event
from pol_oracle.l1.records import LogPosition
from pol_oracle.protocol.lifecycle import EvidenceKind, Status

from . import codec


@dataclass(frozen=True)
class IndexedBlock:
    """A block: what was claimed, and what became of it; ``sequence`` numbers proposals in L1 order, from 1."""

    id: bytes
    parent: bytes
    height: int
    miner: str
    difficulty: int
    total_work: int
    sequence: int
    proposed_at: int
    correct_before: int
    correct_after: int
    l1_block: int
    tx: bytes
    attested: int
    status: Status
    closed_at: int | None
    closed_l1: int | None
    closed_tx: bytes | None
    kind: EvidenceKind | None


@dataclass(frozen=True)
class IndexStamp:
    """Tells one state of the file from others.

    Attributes:
        kind: another one whenever the file is another, or rows went.
        changes: grows with every change.
        l1_block: last L1 block that is in.
    """

    kind: tuple[int, int]
    changes: int
    l1_block: int


class TreeBlock(NamedTuple):
    """What the tree shows of a block; a tuple, since there are thousands."""

    id: bytes
    parent: bytes
    height: int
    miner: str
    proposed_at: int
    correct_after: int
    status: int
    closed_at: int | None


@dataclass(frozen=True)
class IndexedEntry:
    """A reward, loss, bounty or fee: LEARN or ETH in the smallest unit, and the transaction that moved it."""

    party: str
    l1_block: int
    log_index: int
    unit: str
    amount: int
    reason: str
    block_id: bytes | None
    tx: bytes
    timestamp: int


@dataclass(frozen=True)
class IndexedMove:
    """How an event changed a number of an account.

    Attributes:
        amount: by how much.
        total: what it came to.
        reason: what the ledger says of it; None if it says nothing.
        about: the block that this is about, if there is one.
    """

    event: Event
    amount: int
    total: int
    reason: str | None
    about: bytes | None


@dataclass(frozen=True)
class L1Reorg:
    """L1 took back so many of its blocks above number ``above``, with so many of our events."""

    above: int
    depth: int
    timestamp: int
    events: int


def block_of(row: sqlite3.Row) -> IndexedBlock:
    """Reads a row of ``blocks``."""
    values = dict(row)
    values["total_work"], values["status"] = int(row["total_work"]), Status(row["status"])
    values["kind"] = None if row["kind"] is None else EvidenceKind(row["kind"])
    return IndexedBlock(**values)


def event_of(row: sqlite3.Row) -> Event:
    """Reads a row of ``events``."""
    at = LogPosition(row["l1_block"], row["l1_hash"], row["log_index"], row["timestamp"], row["tx"])
    return codec.loads(row["kind"], row["body"], at)


def ledger_of(row: sqlite3.Row) -> IndexedEntry:
    """Reads a row of ``ledger``."""
    return IndexedEntry(**{**dict(row), "amount": int(row["amount"])})


def move_of(row: sqlite3.Row) -> IndexedMove:
    """Reads a row of ``moves``, with its event and what the ledger has of it."""
    return IndexedMove(event_of(row), int(row["amount"]), int(row["total"]), row["reason"], row["about"])
