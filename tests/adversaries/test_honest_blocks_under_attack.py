"""Nine colluders do what they can against an honest block: nothing of it holds, and it costs only them."""

from __future__ import annotations

import pytest

from pol_oracle.agents.answerer import HonestAnswerer
from pol_oracle.agents.verifier import VerifierLoop
from pol_oracle.canonical.operations import Kind
from pol_oracle.evidence import ClaimedTrace, FraudProof, TraceId, answer_to, requirement_proof
from pol_oracle.evidence.accuracy import bit_proof, sums_proof
from pol_oracle.evidence.operations import input_proof, operation_proof
from pol_oracle.protocol.errors import Reverted
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.protocol.positions import Item, Position, Tree
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import Forgery
from tests.e2e.stage import STAKE, silent

FEE = 2 * 10**16


def demanded(arena: Arena) -> list[Position]:
    """Positions of every item, one or more for each colluder."""
    step = arena.made.step
    last = len(arena.made.segment.entries) - 1
    positions = [Position(Item.ROOTS), Position(Item.BITS), Position(Item.STEPS), Position(Item.LEAVES)]
    positions += [Position(Item.ROOTS, *place) for place in ((Tree.AFTER, 7), (Tree.BEFORE, 599), (Tree.SEGMENT, 0))]
    positions += [Position(Item.LEAVES, Tree.SEGMENT, last, len(step.tensors) - 1)]
    return [*positions, Position(Item.NODES, Tree.SEGMENT, 1, step.program.first)]


def proofs(arena: Arena) -> dict[str, FraudProof]:
    """Evidence of every kind about things that are right."""
    made, evaluation = arena.made, TraceId(Tree.AFTER, 7)
    workload, header, programs = made.workload, made.header, made.workload.programs
    dot, image = made.number(Kind.DOT), len(made.step.program.state)
    root, top = made.bits_tree.root, len(made.bits_tree.levels) - 1
    step, first, last = TraceId(Tree.STEP), TraceId(Tree.SEGMENT, 0), TraceId(Tree.SEGMENT, 3)
    claims = {which: (claim_of(made, which), made.trace(which)) for which in (step, first, last)}

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
        "BitHolds": bit_proof(programs, header, evaluation, made.trace(evaluation), made.bits_tree),
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


def demand(arena: Arena, who: int, position: Position) -> None:
    opening = arena.workload.programs.open(position.tree, position.tensor).abi()
    block_id = arena.made.id
    arena.send(arena.colluders[who], "Demands", "demand", block_id, position.abi(), opening)


@pytest.mark.parametrize("name", [
    "RequirementMet", "ElementHolds", "ElementHolds in the segment's first step", "ElementHolds in its last step",
    "ElementHolds of an input", "ElementHolds of an input of the segment", "SumsHold", "BitHolds",
])  # fmt: skip
def test_evidence_about_what_is_right_is_refused(arena: Arena, name: str) -> None:
    verifier = open_honest(arena, answers=True)
    arena.stage.until(lambda: len(verifier.view.blocks) == 2, patient=True)
    demand(arena, 0, Position(Item.ROOTS, Tree.AFTER, 7))
    arena.stage.until(lambda: any(d.answer for d in verifier.view.demands.values()), patient=True)
    proof, client = proofs(arena)[name], arena.stage.client

    with pytest.raises(Reverted) as refused:
        request = client.request_for("Court", proof.function, (*proof.arguments, ZERO))
        client.simulate(request, arena.colluders[0].address)
    assert refused.value.name == name.split()[0]


def test_pitfall_09_a_flood_of_demands_is_answered_and_costs_the_demanders(arena: Arena) -> None:
    verifier = open_honest(arena, answers=True)
    arena.stage.until(lambda: len(verifier.view.blocks) == 2, patient=True)
    block_id = arena.made.id
    for who, position in enumerate(demanded(arena)):
        demand(arena, who, position)
        demand(arena, who, Position(Item.ROOTS)) if position != Position(Item.ROOTS) else None

    def over() -> bool:
        block = verifier.view.blocks[block_id]
        done = all(d.settled for d in block.demands.values()) and len(block.demands) == 17
        return done and block.status is Status.FINALIZED

    arena.stage.until(over, limit=250, patient=True)

    view = verifier.view
    answered = list(view.blocks[block_id].demands.values())
    assert all(d.answer is not None for d in answered)
    assert view.bond(arena.cheat.address, Role.MINER).total == STAKE
    assert view.credits[arena.cheat.address] == len(answered) * FEE
    for who, colluder in enumerate(arena.colluders[: len(demanded(arena))]):
        assert view.bond(colluder.address, Role.VERIFIER).total == STAKE - (1 if who == 0 else 2) * FEE


def test_an_attester_answers_for_a_miner_that_fell_silent(arena: Arena) -> None:
    """The miner lets demands lapse to take its attesters' bonds along."""
    verifier = open_honest(arena, answers=False)
    block_id = arena.made.id
    arena.stage.until(lambda: len(verifier.view.blocks) == 2, patient=True)
    arena.stage.until(lambda: bool(verifier.view.blocks[block_id].attestations), patient=True)
    demand(arena, 0, Position(Item.LEAVES, tensor=0))

    arena.stage.until(lambda: verifier.view.blocks[block_id].status is Status.FINALIZED, limit=250, patient=True)

    (answered,) = verifier.view.blocks[block_id].demands.values()
    assert answered.responder == arena.honest.address


def test_answers_have_the_form_that_the_contract_checks(arena: Arena) -> None:
    for position in demanded(arena):
        assert answer_to(position, arena.workload.programs, arena.made).function.startswith("reveal")
