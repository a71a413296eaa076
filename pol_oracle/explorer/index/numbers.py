"""The numbers of an account: what each counts, and by how much an event changes it."""

from __future__ import annotations

from enum import StrEnum

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.report.ledger import Entry, Unit


class Number(StrEnum):
    """A number of an account; money in the smallest unit, the others are counts."""

    LEARNED = "learned"
    WON = "won"
    LOST = "lost"
    MINER_FREE = "miner-free"
    MINER_LOCKED = "miner-locked"
    VERIFIER_FREE = "verifier-free"
    VERIFIER_LOCKED = "verifier-locked"
    CREDIT = "credit"
    PROPOSED = "proposed"
    FINALIZED = "finalized"
    SLASHED = "slashed"
    ATTESTATIONS = "attestations"
    DISPUTES_WON = "disputes-won"
    DISPUTES_LOST = "disputes-lost"


FREE = {Role.MINER: Number.MINER_FREE, Role.VERIFIER: Number.VERIFIER_FREE}
LOCKED = {Role.MINER: Number.MINER_LOCKED, Role.VERIFIER: Number.VERIFIER_LOCKED}
Change = tuple[str, Number, int]


def changes(event: ev.Event) -> list[Change]:
    """Returns whose number an event changes, which one, and by how much; for those of the ledger see `recorded`."""
    match event:
        case ev.BlockProposed():
            return [(event.miner, Number.PROPOSED, 1)]
        case ev.BlockFinalized():
            return [(event.miner, Number.FINALIZED, 1)]
        case ev.BlockSlashed():
            return [(event.miner, Number.SLASHED, 1)]
        case ev.BlockOrphaned() if event.loss:
            return [(event.miner, Number.DISPUTES_LOST, 1)]
        case ev.Attested():
            return [(event.verifier, Number.ATTESTATIONS, 1)]
        case ev.AttestationSettled() if event.loss:
            return [(event.verifier, Number.DISPUTES_LOST, 1)]
        case ev.BondForfeited():
            won = sorted({event.first, event.prover})
            return [*((account, Number.DISPUTES_WON, 1) for account in won), (event.miner, Number.DISPUTES_LOST, 1)]
    return _moved(event)


def _moved(event: ev.Event) -> list[Change]:
    """What the vault did: bonds and credits."""
    match event:
        case ev.Deposited():
            return [(event.account, FREE[event.role], event.amount)]
        case ev.Unbonded():
            return [(event.account, FREE[event.role], -event.amount), (event.account, Number.CREDIT, event.amount)]
        case ev.Locked():
            return _between(event, event.amount)
        case ev.Unlocked():
            return _between(event, -event.amount)
        case ev.Forfeited():
            return [(event.account, LOCKED[event.role], -event.amount)]
        case ev.Credited():
            return [(event.account, Number.CREDIT, event.amount)]
        case ev.Awarded():
            paid = event.account, LOCKED[event.role], -event.amount
            return [paid, (event.beneficiary, Number.CREDIT, event.amount)]
        case ev.Collected():
            return [(event.account, Number.CREDIT, -event.amount)]
    return []


def _between(event: ev.Locked | ev.Unlocked, locked: int) -> list[Change]:
    return [(event.account, FREE[event.role], -locked), (event.account, LOCKED[event.role], locked)]


def recorded(entry: Entry) -> Change:
    """Returns the number that an entry of the ledger belongs to, and by how much it rises."""
    if entry.unit is Unit.LEARN:
        return entry.party, Number.LEARNED, entry.amount
    return entry.party, Number.LOST if entry.amount < 0 else Number.WON, abs(entry.amount)
