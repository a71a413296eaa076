"""A right-looking block on a wrong one: nobody honest can say what it stands on, so it goes with its parent."""

from __future__ import annotations

from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import honest, next_weight
from tests.e2e.stage import STAKE


def test_wrong_parent(arena: Arena) -> None:
    verifier, made = arena.watch(), arena.made
    wrong = made.with_trace(next_weight(made.step))
    above = honest(arena.workload, wrong.id, arena.cheat.address, DIFFICULTY, below=wrong)
    arena.mine(above)
    arena.stage.until(lambda: above.id in verifier.view.blocks)
    for colluder in arena.colluders:
        arena.send(colluder, "PoLRegistry", "attest", above.id, ANY_DIFFICULTY)
    blocks = verifier.view.blocks
    arena.stage.until(lambda: blocks[above.id].status is not Status.PENDING, limit=200)
    arena.stage.until(lambda: blocks[wrong.id].forfeited)

    assert blocks[wrong.id].slashed_for is EvidenceKind.STEP
    assert blocks[above.id].status is Status.ORPHANED
    assert blocks[above.id].demands == {}
    assert arena.honest.address not in blocks[above.id].attestations
    bond = arena.stage.deployment.parameters.miner_bond
    assert verifier.view.bond(arena.cheat.address, Role.MINER).total == STAKE - bond - bond // 2
