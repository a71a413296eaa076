"""One look after the other at a network, each shown on a screen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pol_oracle.l1.events.typed import Event
from pol_oracle.view import View

from .agents import read_agents
from .events import line
from .network import NetworkState, short
from .observer import Observer
from .screen import Screen

POLL_S = 0.5
_REST = 4  # times as long as a look took: what it costs grows with the chain


class Watcher:
    """Shows a network on a screen.

    Args:
        observer: follows L1.
        folder: of the agents' status files.
        screen: where it is shown.
        names: address -> name of those that have no agent here.
        parts: name -> what an agent does, where its role does not tell.
        ended: returns name -> last words of agents' processes that ended by themselves.
    """

    def __init__(
        self,
        observer: Observer,
        folder: Path,
        screen: Screen,
        names: Mapping[str, str] | None = None,
        parts: Mapping[str, str] | None = None,
        ended: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._observer, self._folder, self._screen = observer, folder, screen
        self._names, self._parts, self._ended = names or {}, parts or {}, ended
        self._alarms: set[str] = set()
        self._begun = False

    def watch(self, until: Callable[[View], bool] = lambda view: False) -> None:
        """Looks again and again, until a condition holds.

        Raises:
            WrongChain: L1 no longer holds the deployment.
        """
        while True:
            began = time.monotonic()
            self.turn()
            if until(self._observer.view):
                return
            time.sleep(max(POLL_S, _REST * (time.monotonic() - began)))

    def turn(self) -> None:
        """Looks once."""
        new = self._observer.look()
        network = self.network()
        self._tell(new, network.all_names)
        shown = network.snapshot()
        self._screen.show(shown)
        ended = [f"the process of {name} ended: {words}" for name, words in network.ended.items()]
        self._tell_once([*shown.alarms, *ended])

    def network(self) -> NetworkState:
        """The network as it was seen last."""
        seen, deployment = self._observer, self._observer.deployment
        return NetworkState(
            view=seen.view,
            events=seen.events,
            parameters=deployment.parameters,
            test_count=deployment.task.test_count,
            now=seen.now,
            agents=read_agents(self._folder),
            names=self._names,
            parts=self._parts,
            ended=self._ended(),
            trouble=seen.trouble,
        )

    def _tell(self, events: Sequence[Event], names: Mapping[str, str]) -> None:
        """Says what happened; what was before the first look is no news."""
        view = self._observer.view
        known = {address: short(address) for address, _ in view.bonds} | dict(names)
        for event in events if self._begun else ():
            if (text := line(event, known, view)) is not None:
                self._screen.say(text)
        self._begun = True

    def _tell_once(self, alarms: Sequence[str]) -> None:
        """Says what is wrong when it begins; what it is is told by the text up to its first figure."""
        kinds = {re.split(r" since | for \d", alarm)[0]: alarm for alarm in alarms}
        for kind in kinds.keys() - self._alarms:
            self._screen.say(kinds[kind])
        self._alarms = set(kinds)
