"""What both agents tell Prometheus of L1 and of themselves."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.protocol.types import Address
from pol_oracle.view import View

from .waiting import WEI


def network_gauges(view: View, me: Address, role: Role, waiting: int) -> dict[str, float | None]:
    """Returns the gauges that any agent has, by name.

    Args:
        view: the confirmed events.
        me: the agent's address.
        role: what it is bonded as.
        waiting: how many things it waits for.
    """
    blocks, bond = view.blocks.values(), view.bond(me, role)
    return {
        "pol_head_height": view.blocks[view.head].height,
        "pol_finalized_height": view.blocks[view.finalized_tip].height,
        "pol_blocks_slashed": sum(block.status is Status.SLASHED for block in blocks),
        "pol_blocks_attested": sum(me in block.attestations for block in blocks),
        "pol_bond_free_eth": bond.free / WEI,
        "pol_bond_locked_eth": bond.locked / WEI,
        "pol_waiting": waiting,
        "pol_l1_block": view.l1_block,
    }
