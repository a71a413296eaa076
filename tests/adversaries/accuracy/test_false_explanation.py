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
    arena.stage.until(lambda: arena.honest.address in verifier.view.blocks[block_id].attestations)
    arena.demand(demander, lie, BITS)
    arena.until_shown(lie, BITS)
    arena.demand(demander, lie, trace.position)
    arena.answer(author, lie, trace.position)
    arena.until_shown(lie, trace.position)


def lie_about(arena: Arena) -> tuple[VerifierLoop, Forgery]:
    """A right block whose miner is away, and of which accomplices have an evaluation explained falsely."""
    verifier = arena.watch()
    arena.mine(arena.made, answer=silent)
    arena.stage.until(lambda: arena.made.id in verifier.view.blocks)
    lie = lying(arena.made, TRACE)
    have_explained(arena, verifier, lie, TRACE)
    return verifier, lie


def test_pitfall_25_a_false_explanation_of_a_right_block_costs_its_author_alone(arena: Arena) -> None:
    """Once what is wrong was shown it is refuted; another one follows, and the block becomes final."""
    verifier, lie = lie_about(arena)
    demander, author = arena.colluders[:2]
    wrong = lie.lies[TRACE]
    below = Position(Item.LEAVES, TRACE.tree, TRACE.index, wrong.program.first + 3, explanation=wrong.roots.root)
    arena.demand(demander, lie, below)
    arena.stage.until(lambda: below in verifier.view.blocks[lie.id].demands)
    arena.answer(author, lie, below)
    block, view = verifier.view.blocks[lie.id], verifier.view

    def over() -> bool:
        return block.status is not Status.PENDING and all(demand.settled for demand in block.demands.values())

    arena.stage.until(over, limit=250)

    assert block.status is Status.FINALIZED
    assert block.demands[TRACE.position].responder == arena.honest.address
    assert arena.fell(block, author)
    attest_bond, fee = arena.stage.deployment.parameters.attest_bond, arena.stage.deployment.parameters.demand_fee
    assert view.bond(author.address, Role.VERIFIER).total == STAKE - attest_bond
    assert view.credits.get(author.address, 0) == 0  # nothing for the answer
    assert view.bond(demander.address, Role.VERIFIER).total == STAKE - 2 * fee  # for bits and explanation
    assert view.bond(arena.cheat.address, Role.MINER).total == STAKE
    earned = view.bond(arena.honest.address, Role.VERIFIER).total + view.credits[arena.honest.address] - STAKE
    assert earned == attest_bond // 2 + 2 * fee


def test_pitfall_24_a_false_explanation_of_a_right_block_draws_nobody_into_a_walk(arena: Arena) -> None:
    """It changes nothing for the block: nobody honest demands more of it, and its fee is an accomplice's."""
    verifier, lie = lie_about(arena)
    block = verifier.view.blocks[lie.id]
    arena.stage.until(lambda: block.status is not Status.PENDING, limit=250)

    assert block.status is Status.FINALIZED
    assert all(demand.demander != arena.honest.address for demand in block.demands.values())
    assert verifier.view.bond(arena.honest.address, Role.VERIFIER).total >= STAKE


def test_pitfall_08_a_false_explanation_of_a_wrong_bit_saves_neither_block_nor_attesters(arena: Arena) -> None:
    forgery, sample = arena.made.wrong_bit()
    arena.convicts(lying(forgery, sample), EvidenceKind.UNEXPLAINED)
