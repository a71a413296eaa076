"""A loop outlasts an L1 that is away, overloaded or behind, and ends only for what waiting cannot mend."""

from __future__ import annotations

import errno
import os
import sqlite3
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pol_oracle.agents.monitoring.vigil import Vigil
from pol_oracle.agents.rules.actions import Action
from pol_oracle.agents.runtime import Context, Loop
from pol_oracle.l1.monitor import Update
from pol_oracle.l1.sending.calls import CallResult
from pol_oracle.protocol.errors import ChainError, StoreError, Unreachable, WrongChain
from pol_oracle.view import View
from tests.agents.scene import CHEAT, GENESIS, LEAVES, PARAMETERS, V1, Scene, account_of


class Events:
    """An L1 that fails as told."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.update: Update | None = Update(None, (), 1, 1000)

    def poll(self) -> Update | None:
        if self.error is not None:
            raise self.error
        return self.update


class Idle(Loop):
    """Wants nothing."""

    def think(self, view: View) -> Iterable[Action]:
        return ()

    def settled(self, result: CallResult) -> None: ...

    def close_workers(self, patience: float) -> None: ...


def idle(events: Events) -> Loop:
    sender = SimpleNamespace(tick=list)
    records = SimpleNamespace(write=lambda history: None, note=lambda **facts: None)
    config = SimpleNamespace(name="idle", account=account_of(V1), depth=0)
    told: dict[str, Any] = {"events": events, "sender": sender, "records": records, "config": config}
    context: Any = SimpleNamespace(
        **told, genesis_id=GENESIS, check=None, parameters=PARAMETERS, metrics=None, pulse=None
    )
    return Idle(cast(Context, context))


@pytest.mark.parametrize("error", [Unreachable("no answer"), ChainError("L1 refused eth_getLogs: limit exceeded")])
def test_pitfall_15_l1_that_gives_no_useful_answer_is_waited_for(error: ChainError) -> None:
    events = Events()
    loop = idle(events)
    events.error = error
    assert [loop.turn(), loop.turn()] == [False, False]

    events.error = None
    assert loop.turn()


def test_nothing_is_done_before_there_is_something_to_go_by() -> None:
    events, thought = Events(), list[View]()
    loop = idle(events)
    loop.think = lambda view: thought.append(view) or ()  # type: ignore[method-assign,func-returns-value]
    events.update = None
    assert loop.turn()
    assert not thought

    events.update = Update(None, (), 1, 1000)
    assert loop.turn()
    assert thought


def test_while_events_are_on_their_way_l1_is_not_said_to_stand_still() -> None:
    """Following headers down to genesis takes minutes, at the start and again whenever all is read anew."""
    events, seconds, beats = Events(), count(), list[int]()
    loop = idle(events)
    loop.vigil = Vigil(loop.log, lambda: 10.0 * next(seconds))
    loop.context.pulse = beats.append  # type: ignore[misc]
    for update in (None, events.update, None):
        beats.clear()
        events.update = update
        for _ in range(20 if update is None else 1):
            assert loop.turn()
            assert loop.vigil.report()[0]
        assert beats == ([] if update is None else [1])


def test_another_deployment_ends_the_loop() -> None:
    events = Events()
    loop = idle(events)
    events.error = WrongChain("the registry is another deployment")
    with pytest.raises(WrongChain):
        loop.turn()


def test_full_disk_is_waited_for_and_damage_is_not() -> None:
    def failing(cause: Exception) -> list[CallResult]:
        raise StoreError("the journal cannot be used") from cause

    def forgetting() -> list[Action]:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    loop = idle(Events())
    sender: Any = loop.context.sender
    sender.tick = lambda: failing(sqlite3.OperationalError("database or disk is full"))
    assert not loop.turn()
    sender.tick = list
    assert loop.turn()

    loop.think = lambda view: forgetting()  # type: ignore[method-assign]
    assert not loop.turn()
    del loop.think
    assert loop.turn()

    sender.tick = lambda: failing(sqlite3.DatabaseError("database disk image is malformed"))
    with pytest.raises(StoreError):
        loop.turn()


def test_a_flood_of_answers_is_forgotten_with_the_blocks_it_was_about() -> None:
    """Each takes up to 64 KiB, and whoever demands of itself gets its fees back."""
    scene, told, size, count = Scene(), 0, 1 << 16, 8
    events = Events()
    loop = idle(events)
    tracemalloc.start()
    try:
        for nonce in range(30):
            block = scene.propose(scene.view.finalized_tip, CHEAT, nonce)
            for group in range(count):
                scene.show(block, replace(LEAVES, group=group), data=bytes(size))
            if nonce % 2:
                scene.finalize(block)
            else:
                scene.slash(block)
                scene.forfeit(block)
            scene.wait()
            new, told = tuple(scene.history.events[told:]), len(scene.history.events)
            events.update = Update(None, new, scene.l1_block, scene.now, firm=scene.now)
            scene.history.forget(scene.now)  # the stage is not what is measured
            assert loop.turn()
        del new, events.update
        held = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, __file__)])
    finally:
        tracemalloc.stop()
    assert sum(trace.size for trace in held.traces) < 2 * size
    assert len(loop.view.demands) == 30 * count
