"""A loop outlasts an L1 that is away, overloaded or behind, and ends only for what waiting cannot mend."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pol_oracle.agents.rules.actions import Action
from pol_oracle.agents.runtime import Context, Loop
from pol_oracle.l1.monitor import Update
from pol_oracle.l1.sending.calls import CallResult
from pol_oracle.protocol.errors import ChainError, StoreError, Unreachable, WrongChain
from pol_oracle.view import View
from tests.agents.scene import GENESIS, PARAMETERS, V1, account_of


class Feed:
    """An L1 that fails as told."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def poll(self) -> Update:
        if self.error is not None:
            raise self.error
        return Update(None, (), 1, 1000)


class Idle(Loop):
    """Wants nothing."""

    def think(self, view: View) -> Iterable[Action]:
        return ()

    def settled(self, result: CallResult) -> None: ...

    def close_workers(self, patience: float) -> None: ...


def idle(feed: Feed) -> Loop:
    postbox = SimpleNamespace(tick=list)
    records = SimpleNamespace(write=lambda history: None, note=lambda **facts: None)
    config = SimpleNamespace(name="idle", account=account_of(V1), depth=0)
    told: dict[str, Any] = {"feed": feed, "postbox": postbox, "records": records, "config": config}
    context: Any = SimpleNamespace(
        **told, genesis_id=GENESIS, check=None, parameters=PARAMETERS, metrics=None, pulse=None
    )
    return Idle(cast(Context, context))


@pytest.mark.parametrize("error", [Unreachable("no answer"), ChainError("L1 refused eth_getLogs: limit exceeded")])
def test_pitfall_15_l1_that_gives_no_useful_answer_is_waited_for(error: ChainError) -> None:
    feed = Feed()
    loop = idle(feed)
    feed.error = error
    assert [loop.turn(), loop.turn()] == [False, False]

    feed.error = None
    assert loop.turn()


def test_another_deployment_ends_the_loop() -> None:
    feed = Feed()
    loop = idle(feed)
    feed.error = WrongChain("the registry is another deployment")
    with pytest.raises(WrongChain):
        loop.turn()


def test_full_disk_is_waited_for_and_damage_is_not() -> None:
    def failing(cause: Exception) -> list[CallResult]:
        raise StoreError("the journal cannot be used") from cause

    def forgetting() -> list[Action]:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    loop = idle(Feed())
    postbox: Any = loop.context.postbox
    postbox.tick = lambda: failing(sqlite3.OperationalError("database or disk is full"))
    assert not loop.turn()
    postbox.tick = list
    assert loop.turn()

    loop.think = lambda view: forgetting()  # type: ignore[method-assign]
    assert not loop.turn()
    del loop.think
    assert loop.turn()

    postbox.tick = lambda: failing(sqlite3.DatabaseError("database disk image is malformed"))
    with pytest.raises(StoreError):
        loop.turn()
