"""A false bit. The block's weights are taken away as soon as the verifier has replayed it, and its bits are shown after
the window, when only a few demands are left: far fewer than a whole W takes."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from pol_oracle.evidence import Answer, pieces_of
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.positions import MAX_LATE
from tests.adversaries.arena import Arena


def test_stops_serving(arena: Arena) -> None:
    wrong, _ = arena.made.wrong_bit()
    forgery = replace(wrong, publishes=frozenset({"pre", "post", "roots"}))
    block_id, stage = forgery.header.id(arena.workload.task.id), arena.stage
    replays = threading.Event()
    verifier = arena.watch(after=replays)

    def ends() -> int:
        return verifier.view.blocks[block_id].proposed_at + stage.deployment.parameters.challenge_window

    def after_the_window(answer: Answer) -> Answer:
        for file in Path(arena.store.urls[0]).glob("*.f32"):
            file.unlink()
        if stage.client.latest().timestamp < ends():
            raise StoreError("not yet")
        return answer

    arena.mine(forgery, after_the_window, late=False)
    stage.until(lambda: block_id in verifier.view.blocks)
    for colluder in arena.colluders:
        arena.send(colluder, "PoLRegistry", "attest", block_id, ANY_DIFFICULTY)
    stage.until(lambda: verifier.view.now >= ends() - stage.deployment.parameters.answer_window // 2)
    replays.set()
    stage.until(lambda: verifier.view.blocks[block_id].status is not Status.PENDING, patient=True)

    block = verifier.view.blocks[block_id]
    late = sum(demand.opened_at >= ends() for demand in block.demands.values())
    assert block.status is Status.SLASHED
    assert 0 < late <= MAX_LATE < len(pieces_of(arena.workload.model))
