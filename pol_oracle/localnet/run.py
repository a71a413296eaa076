"""``pol up`` from start to end: the network, its agents' processes, and the loop behind the table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from pol_oracle.demo.cast import Party
from pol_oracle.demo.stage import AgentProcesses, signals_raise
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.watch.agents import read_agents
from pol_oracle.watch.events import line
from pol_oracle.watch.network import Network
from pol_oracle.watch.observer import Observer
from pol_oracle.watch.screen import Screen, open_screen

from .network import alone, bonded, chosen, found_or_deployed, part_names, running_devnet

POLL_S = 0.5
_REST = 4  # times as long as a look took: what it costs grows with the chain


@dataclass(frozen=True)
class LocalnetConfig:
    """What the user asked for.

    Attributes:
        home: folder of the network.
        task: task file, for the first start.
        cheats: names of cheats to let loose.
        blocks: own blocks to be final, after which it ends; None: it goes on until it is stopped.
    """

    home: Path
    task: Path
    cheats: tuple[str, ...] = ()
    blocks: int | None = None


@dataclass
class _Localnet:
    """A network that is up."""

    config: LocalnetConfig
    deployment: Deployment
    cast: Sequence[Party]
    processes: AgentProcesses
    observer: Observer
    screen: Screen
    _alarms: set[str] = field(default_factory=set)

    def follow(self) -> None:
        """Shows what happens until enough blocks are final, or for ever."""
        names = {party.address: party.name for party in self.cast}
        old = True  # what happened before the start is no news
        while self.config.blocks is None or self.own_final < self.config.blocks:
            began = time.monotonic()
            new = self.observer.look()
            for event in () if old else new:
                if (text := line(event, names, self.observer.view)) is not None:
                    self.screen.say(text)
            old = False
            self._show(names)
            time.sleep(max(POLL_S, _REST * (time.monotonic() - began)))

    @property
    def own_final(self) -> int:
        """Final blocks of the network's own miner."""
        miners = {party.address for party in self.cast if party.part.honest and party.part.mines}
        blocks = self.observer.view.blocks.values()
        return sum(block.miner in miners and block.status is Status.FINALIZED for block in blocks)

    def _show(self, names: dict[str, str]) -> None:
        watched = self.observer
        network = Network(
            view=watched.view,
            events=watched.events,
            parameters=self.deployment.parameters,
            test_count=self.deployment.task.test_count,
            now=watched.now,
            agents=read_agents(self.config.home / "agents"),
            names=names,
            parts=part_names(self.cast),
            ended=self.processes.ended(),
            trouble=watched.trouble,
        )
        shown = network.snapshot()
        self.screen.show(shown)
        ended = [f"the process of {name} ended: {words}" for name, words in network.ended.items()]
        self._tell_once([*shown.alarms, *ended])

    def _tell_once(self, alarms: Sequence[str]) -> None:
        """Says what is wrong when it begins; what it is like is told by the text up to the first figure."""
        kinds = {alarm.partition(" since ")[0]: alarm for alarm in alarms}
        for kind in kinds.keys() - self._alarms:
            self.screen.say(kinds[kind])
        self._alarms = set(kinds)


def run(config: LocalnetConfig, console: Console) -> int:
    """Brings a home folder's network up, shows it, and takes it down again on Ctrl-C.

    Args:
        config: what the user asked for.
        console: where it is shown.

    Returns:
        How many of its own blocks are final.

    Raises:
        PolError: it could not be brought up; what was started is ended.
    """
    cast, up = chosen(config.cheats), None
    with signals_raise(), alone(config.home), ExitStack() as stack:
        screen = stack.enter_context(open_screen(console))
        try:
            up = _raise(config, cast, stack, screen)
            up.follow()
        except KeyboardInterrupt:
            screen.say("stopping the agents, then L1, which saves its chain")
    return 0 if up is None else up.own_final


def _raise(config: LocalnetConfig, cast: Sequence[Party], stack: ExitStack, screen: Screen) -> _Localnet:
    net = stack.enter_context(running_devnet(config.home / "devnet", screen.say))
    deployment = found_or_deployed(config.home, net.rpc, config.task, screen.say)
    client = Client.connect(net.rpc, deployment)
    bonded(client, cast, config.home / "bonds", screen.say)
    processes = stack.enter_context(AgentProcesses(config.home))
    processes.start(tuple(cast))
    screen.say(f"{', '.join(party.name for party in cast)} started")
    return _Localnet(config, deployment, cast, processes, Observer(client, deployment), screen)
