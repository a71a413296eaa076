"""An accomplice explains an evaluation falsely: of a right block, and of a wrong one."""

from __future__ import annotations

from pol_oracle.agents.verifier import VerifierLoop
from pol_oracle.evidence import TraceId
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Item, Position, Tree
from tests.adversaries.arena import Arena
from tests.adversaries.forging import Forgery, altered
from tests.e2e.stage import STAKE, silent

TRACE = TraceId(Tree.AFTER, 7)
BITS = Position(Item.BITS)


def lying(forgery: Forgery, trace: TraceId) -> Forgery:
    """The block with a false trace of one evaluation."""
    number = forgery.truth(trace).program.first + 3
    return forgery.explaining(trace, lambda right: altered(right, number, 0, lambda value: value + 1))


def have_explained(arena: Arena, verifier: VerifierLoop, lie: Forgery, trace: TraceId) -> None:
    """Accomplices have an evaluation demanded, and one of them explains it before anybody else can."""
    demander, author = arena.colluders[:2]
    block_id = lie.id
    arena.stage.until(lambda: arena.honest.address in verifier.view.blocks[block_id].attestations, patient=True)
    arena.demand(demander, lie, BITS)
    arena.until_shown(lie, BITS)
    arena.demand(demander, lie, trace.position)
    arena.answer(author, lie, trace.position)
    arena.until_shown(lie, trace.position)


def test_pitfall_25_a_false_explanation_of_a_right_block_costs_its_author_alone(arena: Arena) -> None:
    """It is refuted, another one follows, and the block becomes final; attesters and miner lose nothing."""
    verifier = arena.watch()
    arena.mine(arena.made, answer=silent)
    arena.stage.until(lambda: arena.made.id in verifier.view.blocks, patient=True)
    lie = lying(arena.made, TRACE)
    have_explained(arena, verifier, lie, TRACE)
    block, shown = verifier.view.blocks[lie.id], set[Position]()
    author = arena.colluders[1]

    def over() -> bool:
        for demand in verifier.view.open_demands:
            if demand.position.explanation == lie.lies[TRACE].roots.root and demand.position not in shown:
                shown.add(demand.position)
                arena.answer(author, lie, demand.position)
        return block.status is not Status.PENDING and all(demand.settled for demand in block.demands.values())

    arena.stage.until(over, limit=250, patient=True)

    assert block.status is Status.FINALIZED
    assert block.demands[TRACE.position].responder == arena.honest.address
    assert (arena.fell(block, author), len(shown)) == (True, 1)
    attest_bond, fee = arena.stage.deployment.parameters.attest_bond, arena.stage.deployment.parameters.demand_fee
    view = verifier.view
    assert view.bond(author.address, Role.VERIFIER).total == STAKE - attest_bond
    assert view.bond(arena.cheat.address, Role.MINER).total == STAKE
    earned = view.bond(arena.honest.address, Role.VERIFIER).total + view.credits[arena.honest.address] - STAKE
    assert earned == attest_bond // 2 + fee  # for the refutation, bits and explanation, less the fee for the lie's leaf


def test_a_false_explanation_that_nobody_asks_about_holds_a_right_block_up_for_nothing(arena: Arena) -> None:
    """Its author keeps silent when asked: all of its bond is burned, and the clock begins anew for a true one."""
    verifier = arena.watch()
    arena.mine(arena.made, answer=silent)
    arena.stage.until(lambda: arena.made.id in verifier.view.blocks, patient=True)
    lie = lying(arena.made, TRACE)
    have_explained(arena, verifier, lie, TRACE)
    block = verifier.view.blocks[lie.id]
    arena.stage.until(lambda: block.status is not Status.PENDING, limit=250, patient=True)

    assert block.status is Status.FINALIZED
    author, attest_bond = arena.colluders[1], arena.stage.deployment.parameters.attest_bond
    assert verifier.view.bond(author.address, Role.VERIFIER).total == STAKE - attest_bond
    assert verifier.view.bond(arena.honest.address, Role.VERIFIER).total >= STAKE


def test_pitfall_08_a_false_explanation_of_a_wrong_bit_saves_neither_block_nor_attesters(arena: Arena) -> None:
    forgery, sample = arena.made.wrong_bit()
    arena.convicts(lying(forgery, sample), EvidenceKind.UNEXPLAINED)
