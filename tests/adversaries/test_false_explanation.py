"""A miner that, asked by an accomplice, explains an evaluation falsely, which the accomplice proves."""

from __future__ import annotations

import threading
from dataclasses import replace

from eth_abi.abi import encode

from pol_oracle.evidence import ClaimedTrace, FraudProof, Traced, TraceId
from pol_oracle.evidence.operations import operation_proof
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from pol_oracle.protocol.positions import Item, Position, Tree
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import Forgery, honest
from tests.e2e.stage import STAKE

TRACE = TraceId(Tree.AFTER, 7)


def lying(arena: Arena, made: Forgery) -> tuple[Forgery, FraudProof]:
    """The block with a false trace of one evaluation, and what proves it."""
    right = made.trace(TRACE)
    number = right.program.first + 3
    wrong = right.tensors[number].copy()
    wrong.reshape(-1)[0] += 1
    lie = Traced.of(right.program, (*right.tensors[:number], wrong, *right.tensors[number + 1 :]))
    claim = ClaimedTrace(made.header, TRACE, lie.roots)
    proof = operation_proof(claim, arena.workload.programs, right, lie.open(number, [0]), 0)
    return replace(made, lies={TRACE: lie}), proof


def have_explained(arena: Arena, forgery: Forgery, proof: FraudProof) -> bytes:
    """The first colluder demands it and commits to its proof, the others attest; returns the block's id."""
    block_id = forgery.id
    accomplice, *others = arena.colluders
    view = arena.stage.loops[0].view
    arena.stage.until(lambda: block_id in view.blocks)
    for other in others:
        arena.send(other, "PoLRegistry", "attest", block_id, ANY_DIFFICULTY)
    position, program = Position(Item.ROOTS, TRACE.tree, TRACE.index), arena.workload.programs.open(TRACE.tree, 0)
    arena.send(accomplice, "Demands", "demand", block_id, position.abi(), program.abi())
    arena.stage.until(lambda: any(d.answer for d in view.demands.values()))
    call = arena.stage.client.request_for("Court", proof.function, (*proof.arguments, ZERO))
    commitment = keccak(encode(["address", "bytes32"], [accomplice.address, keccak(call.data)]))
    arena.send(accomplice, "Bounties", "commit", commitment)
    arena.stage.rounds(2)
    return block_id


def test_false_explanation(arena: Arena) -> None:
    """Of a right block: attesters must not pay for it."""
    verifier = arena.watch()
    forgery, proof = lying(arena, arena.made)
    arena.mine(forgery)
    block_id = have_explained(arena, forgery, proof)
    accomplice, *others = arena.colluders
    arena.stage.until(lambda: arena.honest.address in verifier.view.blocks[block_id].attestations, patient=True)
    arena.send(accomplice, "Court", proof.function, *proof.arguments, ZERO)
    arena.stage.until(lambda: verifier.view.blocks[block_id].forfeited, patient=True)

    assert verifier.view.blocks[block_id].slashed_for is EvidenceKind.UNEXPLAINED
    arena.stage.until(lambda: verifier.view.blocks[block_id].attestations[arena.honest.address].settled)
    for attester in (arena.honest, *others):
        assert verifier.view.bond(attester.address, Role.VERIFIER).total == STAKE
    fee, bond = arena.stage.deployment.parameters.demand_fee, arena.stage.deployment.parameters.miner_bond
    assert verifier.view.bond(arena.cheat.address, Role.MINER).total == STAKE - bond
    assert verifier.view.credits[accomplice.address] + fee <= bond // 2 + fee


def test_pitfall_08_a_false_explanation_of_a_wrong_block_saves_no_accomplice(arena: Arena) -> None:
    """They have it proven first, so that attesters be spared; the honest verifier still proves what they could see."""
    released = threading.Event()
    verifier = arena.watch(released)
    genesis = arena.made.header.parent
    wrong = honest(arena.workload, genesis, arena.cheat.address, DIFFICULTY, missed=0)
    forgery, proof = lying(arena, wrong)
    arena.mine(forgery)
    block_id = have_explained(arena, forgery, proof)
    accomplice, *others = arena.colluders
    released.set()
    arena.stage.rounds(patient=True)
    arena.send(accomplice, "Court", proof.function, *proof.arguments, ZERO)
    block = verifier.view.blocks[block_id]
    arena.stage.until(lambda: block.forfeited and all(a.settled for a in block.attestations.values()), patient=True)

    assert block.slashed_for is EvidenceKind.UNEXPLAINED
    assert (block.bounty, block.prover) == (
        (accomplice.address, block.bounty[1] if block.bounty else 0),
        arena.honest.address,
    )
    parameters = arena.stage.deployment.parameters
    for other in others:
        assert verifier.view.bond(other.address, Role.VERIFIER).total == STAKE - parameters.attest_bond
    spoils = parameters.miner_bond + len(others) * parameters.attest_bond
    assert verifier.view.credits[arena.honest.address] == spoils // 4
