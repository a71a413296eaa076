"""From the agents' view of L1 to what the screen shows: a snapshot, and a line per event worth one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.report.ledger import kind_name
from pol_oracle.view import View

from .verdict import WEI, Scene

SHOWN_BLOCKS = 6


@dataclass(frozen=True)
class PartyRow:
    """One party, as shown."""

    name: str
    part: str
    honest: bool
    over: bool
    bond: str
    learn: str
    story: str


@dataclass(frozen=True)
class BlockRow:
    """One block, as shown."""

    height: int
    block: str
    miner: str
    accuracy: str
    attesters: str
    status: str
    head: bool


@dataclass(frozen=True)
class Snapshot:
    """Everything the display shows at one moment."""

    title: str
    parties: tuple[PartyRow, ...]
    blocks: tuple[BlockRow, ...]


def snapshot(scene: Scene, view: View, target: int, test_count: int) -> Snapshot:
    """Draws up what the display shows now.

    Args:
        scene: fates so far.
        view: the agents' fold of the same events.
        target: honest blocks to be finalized.
        test_count: |E|.
    """
    names = {p.address: p.name for p in scene.cast}
    rows = tuple(_party(scene, view))
    newest = [b for b in view.blocks.values() if b.header][-SHOWN_BLOCKS:]
    blocks = tuple(
        BlockRow(
            height=b.height,
            block=b.id.hex()[:8],
            miner=names.get(b.miner, b.miner),
            accuracy=f"{100 * b.correct_after / test_count:.1f} %",
            attesters=", ".join(names.get(a, a) for a in b.attestations),
            status=b.status.name.lower() + (f" for {kind_name(b.slashed_for)}" if b.slashed_for is not None else ""),
            head=b.id == view.head,
        )
        for b in reversed(newest)
    )
    title = f"{scene.honest_finalized} of {target} honest blocks finalized, L1 block {view.l1_block}"
    return Snapshot(title, rows, blocks)


def _party(scene: Scene, view: View) -> list[PartyRow]:
    earned = scene.learn()
    rows = []
    for fate in scene.fates():
        party = fate.party
        bond = view.bond(party.address, Role.MINER if party.part.mines else Role.VERIFIER)
        rows.append(
            PartyRow(
                name=party.name,
                part=party.part.value,
                honest=party.part.honest,
                over=fate.known,
                bond=f"{bond.total / WEI:g}",
                learn=f"{earned.get(party.address, 0) / WEI:g}",
                story=fate.story,
            )
        )
    return rows


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
