"""From what L1 recorded to what people read: a line per event worth one. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pol_oracle.l1.events.typed import (
    AttestationSettled,
    BlockFinalized,
    BlockOrphaned,
    BlockProposed,
    BlockSlashed,
    BondForfeited,
    Demanded,
    Event,
    Explained,
    ExplanationDemanded,
    Revealed,
)
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.report.ledger import kind_name
from pol_oracle.view import View

WEI = 10**18


def line(event: Event, names: Mapping[str, str], view: View) -> str | None:
    """Returns the line that tells of an event, or None for events too small to tell.

    Args:
        event: what L1 recorded.
        names: address -> name of a party.
        view: a view that has the event in.
    """

    def who(address: str) -> str:
        return names.get(address, address)

    def which(block_id: bytes) -> str:
        return f"block {block_id.hex()[:8]} (height {view.blocks[block_id].height})"

    match event:
        case BlockProposed():
            return f"{who(event.miner)} proposes {which(event.block_id)}"
        case BlockFinalized():
            return f"{which(event.block_id)} of {who(event.miner)} is final"
        case BlockSlashed():
            return f"{which(event.block_id)} of {who(event.miner)} is slashed for {kind_name(event.kind)}"
        case BlockOrphaned():
            loss = f" and loses {event.loss / WEI:g} ETH: it stands on a slashed one" if event.loss else ""
            return f"{which(event.block_id)} of {who(event.miner)} is orphaned{loss}"
        case BondForfeited():
            winners = " and ".join(dict.fromkeys((who(event.first), who(event.prover))))
            return f"{who(event.miner)} loses {event.amount / WEI:g} ETH, half of it to {winners}"
        case Demanded():
            return f"{who(event.demander)} demands {event.position} of {which(event.block_id)}"
        case Revealed():
            shown = view.demands[event.demand_id].position
            return f"{who(event.responder)} shows {shown} of {which(event.block_id)}"
        case ExplanationDemanded():
            wanted = Position(Item.ROOTS, event.tree, event.sample)
            return f"{who(event.demander)} demands {wanted} of {which(event.block_id)}"
        case Explained():
            given = Position(Item.ROOTS, event.tree, event.sample)
            return f"{who(event.author)} gives {given} of {which(event.block_id)}"
        case AttestationSettled() if event.loss:
            return f"{who(event.verifier)} loses {event.loss / WEI:g} ETH: it attested to {which(event.block_id)}"
    return None
