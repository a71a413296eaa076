"""Every reward, loss, bounty and fee that L1 recorded, with its reason.

The vault's events say what money moved; an event of another contract just before them says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
        timestamp: of that L1 block, in seconds.
        tx_hash: of the transaction that did it, 32 bytes.
    """

    party: str
    unit: Unit
    amount: int
    reason: str
    block_id: bytes | None
    l1_block: int
    timestamp: int
    tx_hash: bytes


@dataclass(frozen=True)
class _Facts:
    """What the reasons refer to."""

    heights: dict[bytes, int]
    kinds: dict[bytes, EvidenceKind]

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


def ledger(events: Sequence[Event]) -> tuple[Entry, ...]:
    """Returns every movement of money in ``events``, in L1 order."""
    facts = _Facts(
        {e.block_id: e.height for e in events if isinstance(e, BlockProposed)},
        {e.block_id: EvidenceKind(e.kind) for e in events if isinstance(e, BlockSlashed)},
    )
    entries: list[Entry] = []
    cause = _Cause()
    for event in events:
        cause = _cause(event, facts) or cause
        entries.extend(_entries(event, cause, facts))
    return tuple(entries)


def totals(entries: Iterable[Entry]) -> dict[str, dict[Unit, int]]:
    """Returns the net amount per party and unit, in the smallest unit."""
    sums: dict[str, dict[Unit, int]] = {}
    for entry in entries:
        account = sums.setdefault(entry.party, {Unit.ETH: 0, Unit.LEARN: 0})
        account[entry.unit] += entry.amount
    return sums


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
    where = event.at.l1_block, event.at.timestamp, event.at.tx_hash
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
