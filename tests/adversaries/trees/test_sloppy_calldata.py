"""Answers in calldata that the contract takes and stricter decoders refuse: they must not blind the verifier."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.agents.respond import call_of
from pol_oracle.agents.rules.actions import Reveal
from pol_oracle.canonical.operations import Kind
from pol_oracle.evidence import answer_to
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_sloppy_calldata(arena: Arena) -> None:
    made, programs = arena.made, arena.workload.programs
    forgery = made.altered(made.number(Kind.MAP), 0, lambda x: x + 1)
    verifier = arena.watch()
    arena.mine(replace(forgery, answers=False))
    block_id = forgery.id
    arena.stage.until(lambda: len(verifier.view.blocks) == 2)
    answered: set[bytes] = set()

    def over() -> bool:
        for demand in verifier.view.open_demands:
            if demand.id not in answered:
                answer = answer_to(demand.position, programs, forgery)
                call = call_of(Reveal(block_id, forgery.header, demand.position, answer))
                request = call.request(arena.stage.client)
                program = programs.open(demand.position.tree, demand.position.tensor).abi()
                end = request.data.index(program) + len(program)
                assert len(program) % 32, "there is padding to spoil"
                arena.send_data(arena.cheat, "Reveals", request.data[:end] + b"\1" + request.data[end + 1 :])
                answered.add(demand.id)
        return verifier.view.blocks[block_id].forfeited

    arena.stage.until(over, limit=200)

    assert verifier.view.blocks[block_id].slashed_for is EvidenceKind.STEP
    assert len(answered) == 2
