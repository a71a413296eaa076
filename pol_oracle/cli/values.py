"""What commands print as JSON; docs/json.md describes it.

Ids and hashes are 0x-prefixed hex, amounts decimal strings in the smallest unit (1e-18 ETH or LEARN), other numbers
that may exceed 2**53 decimal strings, times seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from .output import hex0x

if TYPE_CHECKING:
    from pol_oracle.l1.contracts.deployment import Deployment
    from pol_oracle.l1.events.typed import Event
    from pol_oracle.protocol.derivation import Requirement
    from pol_oracle.report.ledger import Entry
    from pol_oracle.view import View
    from pol_oracle.view.blocks import BlockView, DemandView

AMOUNTS = frozenset({"amount", "loss", "burned", "fee", "reward"})  # of events
WIDE = frozenset({"total_work", "nonce", "order"}) | AMOUNTS  # may exceed 2**53


def network(view: View, found: Deployment) -> dict[str, Any]:
    """Returns where the network stands, and who has what at stake."""
    from pol_oracle.protocol.difficulty import to_bits

    head, final = view.blocks[view.head], view.blocks[view.finalized_tip]
    bonds = [
        {"account": account, "role": role.name.lower(), "free": str(bond.free), "locked": str(bond.locked)}
        for (account, role), bond in sorted(view.bonds.items())
        if bond.free or bond.locked
    ]
    return {
        "l1_block": view.l1_block,
        "l1_time": view.now,
        "head": {"id": hex0x(head.id), "height": head.height, "total_work": str(head.total_work)},
        "finalized": {"id": hex0x(final.id), "height": final.height},
        "difficulty_bits": to_bits(view.child_difficulty(view.head, found.parameters)),
        "pending": len(view.pending),
        "bonds": bonds,
        "credits": [{"account": a, "credit": str(credit)} for a, credit in sorted(view.credits.items()) if credit],
    }


def move(entry: Entry) -> dict[str, Any]:
    """Returns a reward or a loss."""
    return {
        "l1_block": entry.l1_block,
        "account": entry.party,
        "amount": str(entry.amount),
        "unit": entry.unit.value,
        "reason": entry.reason,
        "block_id": hex0x(entry.block_id) if entry.block_id else None,
    }


def block(shown: BlockView, view: View) -> dict[str, Any]:
    """Returns a block in short."""
    from pol_oracle.protocol.difficulty import to_bits

    return {
        "height": shown.height,
        "status": shown.status.name.lower(),
        "id": hex0x(shown.id),
        "parent": hex0x(shown.parent),
        "miner": shown.miner,
        "difficulty_bits": to_bits(shown.difficulty),
        "correct_after": shown.correct_after,
        "attestations": len(shown.attestations),
        "proposed_at": shown.proposed_at,
        "head": shown.id == view.head,
    }


def details(shown: BlockView, view: View, found: Deployment, life: Iterable[Event]) -> dict[str, Any]:
    """Returns everything that L1 knows of a block.

    Args:
        shown: the block.
        view: the chain.
        found: the deployment.
        life: the events that name the block, in L1 order.
    """
    header = None
    if shown.header is not None:
        header = {f.name: _plain(f.name, getattr(shown.header, f.name)) for f in fields(shown.header)}
    return {
        **block(shown, view),
        "total_work": str(shown.total_work),
        "closed_at": shown.closed_at,
        "window_ends_at": shown.proposed_at + found.parameters.challenge_window if shown.header else None,
        "slashed_for": shown.slashed_for.name.lower() if shown.slashed_for is not None else None,
        "attesters": list(shown.attestations),
        "quorum": found.parameters.quorum,
        "children": [hex0x(other.id) for other in view.blocks.values() if other.parent == shown.id],
        "requirements": [
            {"leaf": r.number, "mask": f"{r.mask:#018x}", "odd": r.odd} for r in _requirements(shown, found)
        ],
        "demands": [demand(each) for each in shown.demands.values()],
        "life": [event(each) for each in life],
        "header": header,
    }


def _requirements(shown: BlockView, found: Deployment) -> tuple[Requirement, ...]:
    """R of a block, which follows from its header."""
    from pol_oracle.protocol.derivation import requirements, seed
    from pol_oracle.protocol.difficulty import needed_bits

    task, header = found.task, shown.header
    if header is None:
        return ()
    drawn = seed(task.rules, task.id, header.parent, header.miner, header.nonce)
    bits = needed_bits(shown.difficulty, drawn, header.post_root)
    return requirements(task.rules, drawn, bits, task.eligible_count, task.mask_size)


def demand(shown: DemandView) -> dict[str, Any]:
    """Returns a demand."""
    state = "settled" if shown.settled else "open" if shown.open else "expired" if shown.expired else "answered"
    return {
        "id": hex0x(shown.id),
        "state": state,
        "position": str(shown.position),
        "demander": shown.demander,
        "deadline": shown.deadline,
        "responder": shown.responder,
    }


def event(told: Event) -> dict[str, Any]:
    """Returns an event of L1; a proposal without its header, which `pol blocks show` has."""
    names = {"difficulty": "difficulty_bits"}
    values = {
        names.get(name, name): _plain(name, value) for name, value in vars(told).items() if name not in ("at", "header")
    }
    where = {"l1_block": told.at.l1_block, "timestamp": told.at.timestamp, "tx": hex0x(told.at.tx_hash)}
    return {"event": type(told).__name__, **where, **values}


def _plain(name: str, value: Any) -> Any:
    """A value as JSON has it."""
    from pol_oracle.protocol.difficulty import to_bits
    from pol_oracle.protocol.positions import Position

    if isinstance(value, bytes):
        return hex0x(value)
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Position):
        return str(value)
    if isinstance(enum := getattr(value, "name", None), str):
        return enum.lower()
    if name == "difficulty":
        return to_bits(value)
    return str(value) if name in WIDE else value
