"""Nine colluders do what they can against an honest block: nothing of it holds, and it costs only them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pol_oracle.agents.answerer import StoreAnswerer, describer
from pol_oracle.agents.kept import KeptStates
from pol_oracle.agents.replay import Replayer
from pol_oracle.agents.verifier import VerifierLoop
from pol_oracle.canonical.operations import Kind
from pol_oracle.evidence import FraudProof, TraceId, answer_to, requirement_proof
from pol_oracle.evidence.accuracy import bit_proof, sums_proof
from pol_oracle.evidence.operations import input_proof, operation_proof
from pol_oracle.protocol.errors import Reverted
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.protocol.positions import Item, Position, Tree
from pol_oracle.store import StateStore
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.e2e.stage import STAKE, silent

FEE = 2 * 10**16


def demanded(arena: Arena) -> list[Position]:
    """Positions of every item, one or more for each colluder."""
    step = arena.made.step
    positions = [Position(Item.ROOTS), Position(Item.BITS), Position(Item.ROOTS, Tree.AFTER, 7)]
    positions += [Position(Item.LEAVES, tensor=t) for t in (0, step.program.first - 1, len(step.tensors) - 1)]
    positions += [Position(Item.NODES, tensor=step.program.first), Position(Item.ROOTS, Tree.BEFORE, 599)]
    return positions


def proofs(arena: Arena) -> dict[str, FraudProof]:
    """Evidence of every kind about things that are right."""
    made, step = arena.made, TraceId(Tree.STEP)
    programs, header, trace = made.workload.programs, made.header, made.step
    dot, image = made.number(Kind.DOT), len(trace.program.state)
    evaluation = TraceId(Tree.AFTER, 7)
    explained = made.trace(Tree.AFTER, 7)
    root = made.bits_tree.root
    top = len(made.bits_tree.levels) - 1
    opened = trace.open(dot, [9])
    return {
        "RequirementMet": requirement_proof(made.workload, header, DIFFICULTY, made.pre, made.post, 0),
        "ElementHolds": operation_proof(programs, header, step, trace, trace.roots, opened, 9),
        "ElementHolds of an input": input_proof(made.workload, header, step, trace.roots, trace.open(image, [9]), 9),
        "SumsHold": sums_proof(header, made.bits_tree, top, 0, root.before, root.after),
        "BitHolds": bit_proof(programs, header, evaluation, explained, made.bits_tree),
    }


def open_honest(arena: Arena, *, answers: bool) -> VerifierLoop:
    """Opens the miner of the right block, and a verifier that keeps its own copies."""
    found: list[Any] = []

    def produce(job: Any, cancelled: Callable[[], bool]) -> Any:
        while found and not cancelled():
            time.sleep(0.005)
        found.append(replace(arena.made))
        return found[0]

    def publish(_: Any) -> None:
        for root, content in arena.made.published().items():
            arena.store.put(root, content)

    kept = KeptStates(arena.stage.folder / "kept")
    replay = Replayer(arena.workload, arena.store, keep=kept.keep)
    own = StoreAnswerer(arena.workload, StateStore([kept.folder]))
    answer = StoreAnswerer(arena.workload, arena.store) if answers else silent
    verifier = arena.stage.verifier(arena.honest, replay, own, describer(arena.workload))
    arena.stage.mining(arena.cheat, replay, produce, publish, answer)
    return verifier


def demand(arena: Arena, who: int, position: Position) -> None:
    opening = arena.workload.programs.open(position.tree, position.tensor).abi()
    block_id = arena.made.header.id(arena.workload.task.id)
    arena.send(arena.colluders[who], "Demands", "demand", block_id, position.abi(), opening)


@pytest.mark.parametrize("name", [
    "RequirementMet", "ElementHolds", "ElementHolds of an input", "SumsHold", "BitHolds",
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
    block_id = arena.made.header.id(arena.workload.task.id)
    for who, position in enumerate(demanded(arena)):
        demand(arena, who, position)
        demand(arena, who, Position(Item.ROOTS)) if position != Position(Item.ROOTS) else None

    def over() -> bool:
        block = verifier.view.blocks[block_id]
        done = all(d.settled for d in block.demands.values()) and len(block.demands) == 15
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
    """The miner serves W until the verifier has attested, then withholds it from everybody to take the bond along."""
    verifier = open_honest(arena, answers=False)
    block_id = arena.made.header.id(arena.workload.task.id)
    arena.stage.until(lambda: len(verifier.view.blocks) == 2, patient=True)
    arena.stage.until(lambda: bool(verifier.view.blocks[block_id].attestations), patient=True)
    for path in (arena.stage.folder / "store").iterdir():
        path.unlink()
    demand(arena, 0, Position(Item.LEAVES, tensor=0))

    arena.stage.until(lambda: verifier.view.blocks[block_id].status is Status.FINALIZED, limit=250, patient=True)

    (answered,) = verifier.view.blocks[block_id].demands.values()
    assert answered.responder == arena.honest.address


def test_answers_have_the_form_that_the_contract_checks(arena: Arena) -> None:
    for position in demanded(arena):
        assert answer_to(position, arena.workload.programs, arena.made).function.startswith("reveal")
