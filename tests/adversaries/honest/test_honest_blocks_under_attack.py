"""Nine colluders do what they can against an honest block: nothing of it holds, and it costs only them."""

from __future__ import annotations

import pytest

from pol_oracle.agents.verifier import VerifierLoop
from pol_oracle.agents.work.answerer import HonestAnswerer
from pol_oracle.canonical.operations import Kind
from pol_oracle.evidence import ClaimedTrace, FraudProof, TraceId, requirement_proof
from pol_oracle.evidence.accuracy import bit_proof, sums_proof
from pol_oracle.evidence.operations import input_proof, operation_proof
from pol_oracle.protocol.errors import Reverted
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.protocol.positions import Item, Position, Tree
from pol_oracle.view.blocks import BondView
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import Forgery
from tests.e2e.stage import STAKE, silent

FEE = 2 * 10**16
EXPLAINED = TraceId(Tree.AFTER, 7)


def waves(arena: Arena) -> list[list[Position]]:
    """Positions of every item, one for a colluder, each wave below what was shown of the one before."""
    made = arena.made
    program, last = made.step.program, len(made.segment.entries) - 1
    explained = made.trace(EXPLAINED).roots.root
    return [
        [Position(Item.ROOTS), Position(Item.BITS), Position(Item.STEPS)],
        [
            Position(Item.LEAVES),
            EXPLAINED.position,
            Position(Item.ROOTS, Tree.BEFORE, 599),
            *(Position(Item.ROOTS, Tree.SEGMENT, step) for step in (0, 1, last)),
        ],
        [
            Position(Item.LEAVES, Tree.SEGMENT, last, len(made.step.tensors) - 1),
            Position(Item.NODES, Tree.SEGMENT, 1, program.first),
            Position(Item.LEAVES, EXPLAINED.tree, EXPLAINED.index, 0, 0, explained),
        ],
    ]


def demand_all(arena: Arena) -> int:
    """Has the colluders demand all that, one each at a time; returns how much it was."""
    for wave in waves(arena):
        for colluder, position in zip(arena.colluders, wave, strict=False):
            arena.demand(colluder, arena.made, position)
        arena.until_shown(arena.made, *wave)
    return sum(map(len, waves(arena)))


def proofs(arena: Arena) -> dict[str, FraudProof]:
    """Evidence of every kind about things that are right."""
    made = arena.made
    workload, header, programs = made.workload, made.header, made.workload.programs
    dot, image = made.number(Kind.DOT), len(made.step.program.state)
    root, top = made.bits_tree.root, len(made.bits_tree.levels) - 1
    step, first, last = TraceId(Tree.STEP), TraceId(Tree.SEGMENT, 0), TraceId(Tree.SEGMENT, 3)
    claims = {which: (claim_of(made, which), made.trace(which)) for which in (step, first, last, EXPLAINED)}

    def element(which: TraceId) -> FraudProof:
        claim, trace = claims[which]
        return operation_proof(claim, programs, trace, trace.open(dot, [9]), 9)

    def pixel(which: TraceId) -> FraudProof:
        claim, trace = claims[which]
        return input_proof(claim, workload, trace.open(image, [9]), 9)

    return {
        "RequirementMet": requirement_proof(workload, header, DIFFICULTY, made.pre, made.post, 0),
        "ElementHolds": element(step),
        "ElementHolds in the segment's first step": element(first),
        "ElementHolds in its last step": element(last),
        "ElementHolds of an input": pixel(step),
        "ElementHolds of an input of the segment": pixel(last),
        "SumsHold": sums_proof(header, made.bits_tree, top, 0, root.before, root.after),
        "ElementHolds in an explanation": element(EXPLAINED),
        "BitHolds": bit_proof(programs, claim_of(made, EXPLAINED), made.trace(EXPLAINED)),
    }


def claim_of(made: Forgery, which: TraceId) -> ClaimedTrace:
    """What the block claims of a trace."""
    return ClaimedTrace(made.header, which, made.trace(which).roots, made.segment_step(which))


def open_honest(arena: Arena, *, answers: bool) -> VerifierLoop:
    """Opens the miner of the right block, and a verifier; both follow the chain by themselves."""
    verifier = arena.watch()
    honest = HonestAnswerer(arena.follower("miner"))
    arena.mine(arena.made, answer=honest if answers else silent)
    return verifier


@pytest.mark.parametrize("name", [
    "RequirementMet", "ElementHolds", "ElementHolds in the segment's first step", "ElementHolds in its last step",
    "ElementHolds of an input", "ElementHolds of an input of the segment", "ElementHolds in an explanation", "SumsHold",
    "BitHolds",
])  # fmt: skip
def test_evidence_about_what_is_right_is_refused(arena: Arena, name: str) -> None:
    verifier = open_honest(arena, answers=True)
    arena.stage.until(lambda: len(verifier.view.blocks) == 2)
    for position in (Position(Item.BITS), EXPLAINED.position):
        arena.demand(arena.colluders[0], arena.made, position)
        arena.until_shown(arena.made, position)
    proof, client = proofs(arena)[name], arena.stage.client

    with pytest.raises(Reverted) as refused:
        request = client.request_for("Court", proof.function, (*proof.arguments, ZERO))
        client.simulate(request, arena.colluders[0].address)
    assert refused.value.name == name.split()[0]


def test_pitfall_09_a_flood_of_demands_is_answered_and_costs_the_demanders(arena: Arena) -> None:
    verifier = open_honest(arena, answers=True)
    arena.stage.until(lambda: len(verifier.view.blocks) == 2)
    count = demand_all(arena)
    block = verifier.view.blocks[arena.made.id]

    def over() -> bool:
        return block.status is Status.FINALIZED and not verifier.view.unsettled

    arena.stage.until(over, limit=250)

    view = verifier.view
    assert len(block.demands) == count
    assert view.bond(arena.cheat.address, Role.MINER) == BondView(STAKE, 0)
    assert view.credits[arena.cheat.address] == count * FEE
    paid = sum(STAKE - view.bond(colluder.address, Role.VERIFIER).total for colluder in arena.colluders)
    assert paid == count * FEE


def test_an_attester_answers_for_a_miner_that_fell_silent(arena: Arena) -> None:
    """The miner lets demands lapse to take its attesters' bonds along."""
    verifier = open_honest(arena, answers=False)
    block_id = arena.made.id
    arena.stage.until(lambda: len(verifier.view.blocks) == 2)
    arena.stage.until(lambda: bool(verifier.view.blocks[block_id].attestations))
    for position in (Position(Item.ROOTS), Position(Item.BITS)):
        arena.demand(arena.colluders[0], arena.made, position)
        arena.until_shown(arena.made, position)

    arena.stage.until(lambda: verifier.view.blocks[block_id].status is Status.FINALIZED, limit=250)

    answered = verifier.view.blocks[block_id].demands.values()
    assert [demand.responder for demand in answered] == 2 * [arena.honest.address]
