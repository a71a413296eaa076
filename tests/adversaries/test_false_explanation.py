"""A right block whose miner, asked by an accomplice, explains an evaluation falsely: attesters must not pay for it."""

from __future__ import annotations

from dataclasses import replace

from eth_abi.abi import encode

from pol_oracle.evidence import Traced, TraceId
from pol_oracle.evidence.operations import operation_proof
from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from pol_oracle.protocol.positions import Item, Position, Tree
from tests.adversaries.arena import Arena, as_it_is
from tests.e2e.stage import STAKE


def test_false_explanation(arena: Arena) -> None:
    made, trace, programs = arena.made, TraceId(Tree.AFTER, 7), arena.workload.programs
    right = made.trace(Tree.AFTER, 7)
    number = right.program.first + 3
    wrong = right.tensors[number].copy()
    wrong.reshape(-1)[0] += 1
    lie = Traced.of(right.program, (*right.tensors[:number], wrong, *right.tensors[number + 1 :]))
    verifier = arena.watch()
    arena.mine(replace(made, evaluations={(Tree.AFTER, 7): lie}), as_it_is, late=False)
    block_id = made.header.id(arena.workload.task.id)
    arena.stage.until(lambda: len(verifier.view.blocks) == 2, patient=True)
    arena.stage.until(lambda: bool(verifier.view.blocks[block_id].attestations), patient=True)
    accomplice, *others = arena.colluders
    for other in others:
        arena.send(other, "PoLRegistry", "attest", block_id)
    position = Position(Item.ROOTS, Tree.AFTER, 7)
    arena.send(accomplice, "Demands", "demand", block_id, position.abi(), programs.open(Tree.AFTER, 0).abi())
    arena.stage.until(lambda: any(d.answer for d in verifier.view.demands.values()), patient=True)

    proof = operation_proof(programs, made.header, trace, right, lie.roots, lie.open(number, [0]), 0)
    call = arena.stage.client.request_for("Court", proof.function, (*proof.arguments, ZERO))
    commitment = keccak(encode(["address", "bytes32"], [accomplice.address, keccak(call.data)]))
    arena.send(accomplice, "Bounties", "commit", commitment)
    arena.stage.rounds(2)
    arena.send(accomplice, "Court", proof.function, *proof.arguments, ZERO)
    arena.stage.until(lambda: verifier.view.blocks[block_id].forfeited, patient=True)

    assert verifier.view.blocks[block_id].slashed_for is EvidenceKind.EVALUATION
    for attester in (arena.honest, *others):
        assert verifier.view.bond(attester.address, Role.VERIFIER).total == STAKE
    fee, bond = arena.stage.deployment.parameters.demand_fee, arena.stage.deployment.parameters.miner_bond
    assert verifier.view.bond(arena.cheat.address, Role.MINER).total == STAKE - bond
    assert verifier.view.credits[accomplice.address] + fee <= bond // 2 + fee
