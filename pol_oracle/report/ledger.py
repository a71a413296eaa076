"""Every reward, loss and bounty that L1 recorded, with its reason.

The vault's ``Forfeited`` says what money moved; the registry's or court's event in the same transaction says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from pol_oracle.chain.events import (
    AttestationSettled,
    BlockFinalized,
    BlockProposed,
    BlockSlashed,
    BondForfeited,
    DisputeSettled,
    Event,
    Forfeited,
)
from pol_oracle.protocol.lifecycle import EvidenceKind

NOBODY = "0x" + "00" * 20


class Unit(StrEnum):
    """What an amount counts: 10**18 of the smallest unit each."""

    ETH = "ETH"
    LEARN = "LEARN"


@dataclass(frozen=True)
class Entry:
    """One movement of money.

    Attributes:
        party: checksummed address that won or lost.
        unit: ETH (bonds and bounties) or LEARN (rewards).
        amount: in the smallest unit (wei); negative for a loss.
        reason: one short clause.
        block_id: the block it was for, or None.
        l1_block: L1 block that recorded it.
    """

    party: str
    unit: Unit
    amount: int
    reason: str
    block_id: bytes | None
    l1_block: int


@dataclass(frozen=True)
class _Facts:
    """What the reasons refer to."""

    heights: dict[bytes, int]
    kinds: dict[bytes, EvidenceKind]

    def name(self, block_id: bytes) -> str:
        height = self.heights.get(block_id)
        return f"block {block_id.hex()[:8]}" + (f" at height {height}" if height is not None else "")

    def slashed(self, block_id: bytes) -> str:
        kind = self.kinds.get(block_id)
        return f"{self.name(block_id)}, slashed for {kind_name(kind)}" if kind is not None else self.name(block_id)


def kind_name(kind: EvidenceKind) -> str:
    """Returns the word the reports use: requirement, step, accuracy or withheld."""
    return EvidenceKind(kind).name.lower()


def ledger(events: Sequence[Event]) -> tuple[Entry, ...]:
    """Returns every movement of money in ``events``, in L1 order."""
    facts = _Facts(
        {e.block_id: e.height for e in events if isinstance(e, BlockProposed)},
        {e.block_id: EvidenceKind(e.kind) for e in events if isinstance(e, BlockSlashed)},
    )
    entries: list[Entry] = []
    for _, group in groupby(events, key=lambda e: e.at.tx_hash):
        entries.extend(_of_transaction(tuple(group), facts))
    return tuple(entries)


def totals(entries: Iterable[Entry]) -> dict[str, dict[Unit, int]]:
    """Returns the net amount per party and unit, in the smallest unit."""
    sums: dict[str, dict[Unit, int]] = {}
    for entry in entries:
        account = sums.setdefault(entry.party, {Unit.ETH: 0, Unit.LEARN: 0})
        account[entry.unit] += entry.amount
    return sums


def _of_transaction(events: tuple[Event, ...], facts: _Facts) -> list[Entry]:
    entries: list[Entry] = []
    for event in events:
        where = event.at.l1_block
        if isinstance(event, BlockFinalized) and event.reward:
            why = f"mined {facts.name(event.block_id)}"
            entries.append(Entry(event.miner, Unit.LEARN, event.reward, why, event.block_id, where))
        elif isinstance(event, AttestationSettled) and event.reward:
            why = f"attested to {facts.name(event.block_id)}"
            entries.append(Entry(event.verifier, Unit.LEARN, event.reward, why, event.block_id, where))
        elif isinstance(event, Forfeited):
            entries.extend(_of_forfeit(event, events, facts))
    return entries


def _of_forfeit(event: Forfeited, events: tuple[Event, ...], facts: _Facts) -> list[Entry]:
    loss, gain, block_id = _reason(event, events, facts)
    where = event.at.l1_block
    entries = [Entry(event.account, Unit.ETH, -(event.burned + event.awarded), loss, block_id, where)]
    if event.awarded and event.beneficiary != NOBODY:
        entries.append(Entry(event.beneficiary, Unit.ETH, event.awarded, gain, block_id, where))
    return entries


def _reason(event: Forfeited, events: tuple[Event, ...], facts: _Facts) -> tuple[str, str, bytes | None]:
    """Says why a bond was taken: for the loser, for the winner, and the block it was about."""
    for other in events:
        if isinstance(other, BondForfeited) and other.miner == event.account:
            return f"mined {facts.slashed(other.block_id)}", f"proved {facts.slashed(other.block_id)}", other.block_id
        if isinstance(other, AttestationSettled) and other.loss and other.verifier == event.account:
            block = facts.slashed(other.block_id)
            return f"attested to {block}", f"from an attester of {block}", other.block_id
        if isinstance(other, DisputeSettled):
            block = facts.name(other.block_id)
            return f"lost a {kind_name(other.kind)} dispute about {block}", f"wrongly disputed: {block}", other.block_id
    return "bond forfeited", "bond of another forfeited", None
