"""Whoever watches is told when L1 is away or stands still, and sees on when it is back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pol_oracle.agents.monitoring.waiting import QUIET_S
from pol_oracle.fixtures.l1 import L1
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import Unreachable
from pol_oracle.protocol.task import Task
from pol_oracle.watch.observer import Observer


@dataclass
class Clock:
    """Seconds that pass when told."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_happens_is_seen(client: Client, deployment: Deployment, task: Task, mine: Callable[..., None]) -> None:
    observer = Observer(client, deployment)
    observer.look()
    l1 = L1(client, task)
    l1.bond()
    block, _ = l1.propose(l1.header(client.finalized_tip(), 1))
    mine(deployment.confirmations)

    names = {type(event).__name__ for event in observer.look()}
    assert "BlockProposed" in names
    assert block in observer.view.blocks
    assert observer.trouble is None


def test_an_l1_that_is_away_is_told_and_its_return_seen(
    client: Client, deployment: Deployment, mine: Callable[..., None]
) -> None:
    clock = Clock()
    observer = Observer(client, deployment, clock)
    observer.look()
    ask = client.rpc.request

    def away(*_: object) -> object:
        raise Unreachable("no answer")

    client.rpc.request = away  # type: ignore[method-assign, assignment]
    assert observer.look() == ()
    clock.now += 12
    observer.look()
    assert observer.trouble == "L1 away since 12 s: no answer"

    client.rpc.request = ask  # type: ignore[method-assign]
    mine(1)
    observer.look()
    assert observer.trouble is None


def test_an_l1_that_makes_no_blocks_is_told(client: Client, deployment: Deployment) -> None:
    clock = Clock()
    observer = Observer(client, deployment, clock)
    observer.look()
    then = observer.now
    clock.now += QUIET_S + 1

    observer.look()
    assert observer.trouble is not None and "no block for 31 s" in observer.trouble
    assert observer.now == then + QUIET_S + 1
