"""Every reward, loss, bounty and fee that L1 recorded, with its reason.

The vault's events say what money moved; an event of another contract just before them says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pol_oracle.l1.events.typed import (
    AttestationSettled,
    Awarded,
    BlockFinalized,
    BlockOrphaned,
    BlockProposed,
    BlockSlashed,
    BondForfeited,
    Credited,
    DemandSettled,
    Event,
    ExplanationRefuted,
    ExplanationSettled,
    Forfeited,
)
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from pol_oracle.protocol.types import Address


class Unit(StrEnum):
    """What an amount counts: 10**18 of the smallest unit each."""

    ETH = "ETH"
    LEARN = "LEARN"


@dataclass(frozen=True)
class Entry:
    """One movement of money.

    Attributes:
        party: checksummed address that won or lost.
        unit: ETH (bonds, bounties, fees) or LEARN (rewards).
        amount: in the smallest unit (wei); negative for a loss.
        reason: one short clause.
        block_id: the block it was for, or None.
        l1_block: L1 block that recorded it.
        log_index: of the event that says so, in that L1 block; no other of the party has both.
        timestamp: of that L1 block, in seconds.
        tx_hash: of the transaction that did it, 32 bytes.
    """

    party: str
    unit: Unit
    amount: int
    reason: str
    block_id: bytes | None
    l1_block: int
    log_index: int
    timestamp: int
    tx_hash: bytes


@dataclass(frozen=True)
class _Facts:
    """What the reasons refer to; L1 tells it before it moves money for it."""

    heights: dict[bytes, int] = field(default_factory=dict)
    kinds: dict[bytes, EvidenceKind] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        if isinstance(event, BlockProposed):
            self.heights[event.block_id] = event.height
        elif isinstance(event, BlockSlashed):
            self.kinds[event.block_id] = EvidenceKind(event.kind)

    def name(self, block_id: bytes) -> str:
        height = self.heights.get(block_id)
        short = f"0x{block_id.hex()[:10]}"  # as many digits as `pol` shows, and takes
        return f"block {short}" if height is None else f"block {height} ({short})"

    def slashed(self, block_id: bytes) -> str:
        kind = self.kinds.get(block_id)
        return f"{self.name(block_id)}, slashed for {kind_name(kind)}" if kind is not None else self.name(block_id)


@dataclass(frozen=True)
class _Cause:
    """Why the vault's next events move money: for the loser, for the winner, and the block it is about."""

    loss: str = "bond forfeited"
    gain: str = "bond of another forfeited"
    block_id: bytes | None = None


def kind_name(kind: EvidenceKind) -> str:
    """Returns the word the reports use: requirement, step, accuracy, withheld or unexplained."""
    return EvidenceKind(kind).name.lower()


class Ledger:
    """Every movement of money in a list of events that grows, and that a reorg of L1 may cut short."""

    def __init__(self) -> None:
        self._book = _Book()

    def follow(self, events: Sequence[Event]) -> list[Entry]:
        """Takes in what is new, or everything if an event that it took in is no longer there.

        Args:
            events: all of them, in L1 order.

        Returns:
            What was taken in, in L1 order.
        """
        taken, last = self._book.taken, self._book.last
        if len(events) < taken or (last is not None and events[taken - 1] is not last):
            self._book, taken = _Book(), 0
        return [entry for event in events[taken:] for entry in self._book.take(event)]

    def entries(self, party: Address) -> Sequence[Entry]:
        """Returns the movements of one party, in L1 order."""
        return self._book.entries.get(party, ())

    def totals(self, party: Address) -> Mapping[Unit, int]:
        """Returns its net amount per unit, in the smallest unit; nothing if it has no movements."""
        return self._book.totals.get(party, {})


@dataclass
class _Book:
    """What was taken in so far: how many events, the last one, and what it comes to by party."""

    taken: int = 0
    last: Event | None = None
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    totals: dict[str, dict[Unit, int]] = field(default_factory=dict)
    facts: _Facts = field(default_factory=_Facts)
    cause: _Cause = field(default_factory=_Cause)

    def take(self, event: Event) -> list[Entry]:
        self.taken, self.last = self.taken + 1, event
        self.facts.note(event)
        self.cause = _cause(event, self.facts) or self.cause
        found = _entries(event, self.cause, self.facts)
        for entry in found:
            self.entries.setdefault(entry.party, []).append(entry)
            _add(self.totals, entry)
        return found


def ledger(events: Sequence[Event]) -> tuple[Entry, ...]:
    """Returns every movement of money in ``events``, in L1 order."""
    return tuple(Ledger().follow(events))


def totals(entries: Iterable[Entry]) -> dict[str, dict[Unit, int]]:
    """Returns the net amount per party and unit, in the smallest unit."""
    sums: dict[str, dict[Unit, int]] = {}
    for entry in entries:
        _add(sums, entry)
    return sums


def _add(sums: dict[str, dict[Unit, int]], entry: Entry) -> None:
    account = sums.setdefault(entry.party, {Unit.ETH: 0, Unit.LEARN: 0})
    account[entry.unit] += entry.amount


def _cause(event: Event, facts: _Facts) -> _Cause | None:
    """What an event explains of the vault's events that follow it in the same call."""
    match event:
        case BondForfeited():
            block = facts.slashed(event.block_id)
            return _Cause(f"mined {block}", f"proved {block}", event.block_id)
        case BlockOrphaned():
            return _Cause(f"mined {facts.name(event.block_id)}, above a slashed one", block_id=event.block_id)
        case AttestationSettled():
            block = facts.slashed(event.block_id)
            return _Cause(f"attested to {block}", f"from an attester of {block}", event.block_id)
        case DemandSettled():
            block = facts.name(event.block_id)
            return _Cause(f"demanded to see a part of {block}", f"showed a part of {block}", event.block_id)
        case ExplanationSettled():
            block = facts.name(event.block_id)
            return _Cause(f"had {block} explained", f"explained {block}", event.block_id)
        case ExplanationRefuted():
            block = facts.name(event.block_id)
            return _Cause(f"explained {block} falsely", f"refuted an explanation of {block}", event.block_id)
    return None


def _entries(event: Event, cause: _Cause, facts: _Facts) -> list[Entry]:
    where = event.at.l1_block, event.at.log_index, event.at.timestamp, event.at.tx_hash
    match event:
        case BlockFinalized() if event.reward:
            why = f"mined {facts.name(event.block_id)}"
            return [Entry(event.miner, Unit.LEARN, event.reward, why, event.block_id, *where)]
        case AttestationSettled() if event.reward:
            why = f"attested to {facts.name(event.block_id)}"
            return [Entry(event.verifier, Unit.LEARN, event.reward, why, event.block_id, *where)]
        case Forfeited():
            return [Entry(event.account, Unit.ETH, -event.amount, cause.loss, cause.block_id, *where)]
        case Credited() if event.amount:
            return [Entry(event.account, Unit.ETH, event.amount, cause.gain, cause.block_id, *where)]
        case Awarded() if event.account != event.beneficiary:
            loss = cause.loss
            if event.role is Role.MINER and cause.block_id is not None:  # answers about its slashed block
                loss = f"mined {facts.slashed(cause.block_id)}"
            paid = Entry(event.account, Unit.ETH, -event.amount, loss, cause.block_id, *where)
            return [paid, Entry(event.beneficiary, Unit.ETH, event.amount, cause.gain, cause.block_id, *where)]
    return []
