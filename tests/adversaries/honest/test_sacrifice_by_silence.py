"""A miner keeps silent about its right block, while nine accomplices demand whatever can be demanded of it."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import Role, Status
from tests.adversaries.arena import Arena
from tests.adversaries.honest.test_honest_blocks_under_attack import FEE, demand_all, open_honest
from tests.e2e.stage import STAKE


def test_pitfall_25_sacrifice_by_silence(arena: Arena) -> None:
    """An audit found: the last demand lapsed, and accomplices took half of every attester's bond. One attester
    that answers and explains is enough to save the block, and is paid for it."""
    verifier = open_honest(arena, answers=False)
    block_id = arena.made.id
    arena.stage.until(lambda: block_id in verifier.view.blocks)
    block = verifier.view.blocks[block_id]
    arena.stage.until(lambda: bool(block.attestations))
    count = demand_all(arena)

    def over() -> bool:
        return block.status is not Status.PENDING and all(demand.settled for demand in block.demands.values())

    arena.stage.until(over, limit=300)

    assert block.status is Status.FINALIZED
    view, honest = verifier.view, arena.honest.address
    assert view.credits[honest] == count * FEE
    assert view.bond(honest, Role.VERIFIER).total == STAKE
    assert sum(STAKE - view.bond(c.address, Role.VERIFIER).total for c in arena.colluders) == count * FEE
