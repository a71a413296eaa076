"""Follows L1 for whoever watches a network, also while L1 is away."""

from __future__ import annotations

import time
from collections.abc import Callable

from pol_oracle.agents.monitoring.waiting import l1_wait
from pol_oracle.l1.check import LOST, Folded, missing
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.events.typed import Event
from pol_oracle.l1.monitor import Monitor, Update
from pol_oracle.protocol.errors import ChainError, WrongChain
from pol_oracle.view import History, View


class Observer:
    """The network as L1 tells of it.

    Args:
        client: connected to L1.
        deployment: which network.
        clock: seconds.
    """

    def __init__(self, client: Client, deployment: Deployment, clock: Callable[[], float] = time.monotonic) -> None:
        self.deployment = deployment
        self._history = History(bytes.fromhex(deployment.genesis_id.removeprefix("0x")))
        self._monitor = Monitor(client, deployment.deployed_at, deployment.confirmations)
        self._client, self._clock = client, clock
        self._moved_at = clock()  # when the last new L1 block was seen
        self._lost = ""  # what does not add up
        self._away: tuple[float, str] | None = None  # since when, and why

    @property
    def view(self) -> View:
        """What L1 says, as far as it is confirmed."""
        return self._history.view

    @property
    def events(self) -> list[Event]:
        """All of them."""
        return self._history.events

    @property
    def now(self) -> float:
        """L1 time in seconds, which goes on between two L1 blocks."""
        return self.view.now + self._clock() - self._moved_at

    @property
    def trouble(self) -> str | None:
        """What is wrong with L1; None while it makes blocks."""
        now = self._clock()
        if self._away is not None:
            since, reason = self._away
            return f"L1 away since {now - since:.0f} s: {reason}"
        if self._lost:
            return f"{LOST} ({self._lost}); give the RPC address of another node"
        wait = l1_wait(now - self._moved_at)
        return None if wait is None else str(wait)

    def look(self) -> tuple[Event, ...]:
        """Returns what is new; nothing while L1 is away. Where logs are missing, the next look reads all of them again.

        Raises:
            WrongChain: L1 no longer holds the deployment.
        """
        try:
            update = self._monitor.poll()
            lost = self._folded(update)
        except WrongChain:
            raise
        except ChainError as error:
            self._away = self._away or (self._clock(), str(error))
            return ()
        self._away, self._lost = None, lost
        if lost:
            self._monitor.reread()
        return update.events

    def _folded(self, update: Update) -> str:
        """Takes in what is new; returns what shows that logs are missing."""
        if update.l1_block != self.view.l1_block:
            self._moved_at = self._clock()

        def fold() -> Folded:
            view = self._history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
            self._history.forget(update.firm)
            return Folded(view.head, view.finalized_tip)

        lost = missing(self._client, update, fold, ask=update.whole and bool(update.events))
        return self._lost if lost is None else lost
