"""A right block whose miner is away while its evaluation is demanded: an attester explains it."""

from __future__ import annotations

from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.protocol.positions import Item, Position, Tree
from tests.adversaries.arena import Arena
from tests.adversaries.honest.test_honest_blocks_under_attack import FEE, open_honest
from tests.e2e.stage import STAKE


def test_an_attester_explains_a_right_block_whose_miner_is_away(arena: Arena) -> None:
    verifier = open_honest(arena, answers=False)
    made, demander = arena.made, arena.colluders[0]
    arena.stage.until(lambda: made.id in verifier.view.blocks)
    block = verifier.view.blocks[made.id]
    arena.stage.until(lambda: bool(block.attestations))
    for position in (Position(Item.BITS), Position(Item.ROOTS, Tree.BEFORE, 3)):
        arena.demand(demander, made, position)
        arena.until_shown(made, position)

    def over() -> bool:
        return block.status is not Status.PENDING and all(demand.settled for demand in block.demands.values())

    arena.stage.until(over, limit=250)

    assert block.status is Status.FINALIZED
    view, honest = verifier.view, arena.honest.address
    assert {demand.responder for demand in block.demands.values()} == {honest}
    assert view.credits[honest] == 2 * FEE
    assert view.bond(honest, Role.VERIFIER).total == view.bond(arena.cheat.address, Role.MINER).total == STAKE
    assert view.bond(demander.address, Role.VERIFIER).total == STAKE - 2 * FEE
