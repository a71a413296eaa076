"""``pol up`` from start to end: the network, its agents' processes, and the loop behind the table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from pol_oracle.demo.cast import Party
from pol_oracle.demo.stage import AgentProcesses
from pol_oracle.l1.client import Client
from pol_oracle.l1.devnet.ports import HOST, free_port, is_free
from pol_oracle.l1.devnet.process import signals_raise
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.watch.observer import Observer
from pol_oracle.watch.screen import Screen
from pol_oracle.watch.watcher import Watcher

from .network import alone, bonded, chosen, fitting, found_or_deployed, part_names, running_devnet

EXPLORER_PORT = 8580


@dataclass(frozen=True)
class LocalnetConfig:
    """What the user asked for.

    Attributes:
        home: folder of the network.
        task: task file, for the first start; None: the demo's.
        cheats: names of cheats to let loose.
        blocks: own blocks to become final, after which it ends; None: it goes on until it is stopped.
        explorer: serve pages to look at the chain as well.
    """

    home: Path
    task: Path | None = None
    cheats: tuple[str, ...] = ()
    blocks: int | None = None
    explorer: bool = False


@dataclass(frozen=True)
class _Localnet:
    """A network that is up."""

    cast: Sequence[Party]
    observer: Observer
    watcher: Watcher

    @property
    def own_final(self) -> int:
        """Final blocks of the network's own miner."""
        miners = {party.address for party in self.cast if party.part.honest and party.part.mines}
        blocks = self.observer.view.blocks.values()
        return sum(block.miner in miners and block.status is Status.FINALIZED for block in blocks)

    def follow(self, blocks: int | None) -> None:
        """Shows what happens until so many own blocks more are final, or for ever."""
        self.watcher.turn()
        before = self.own_final
        self.watcher.watch(lambda view: blocks is not None and self.own_final >= before + blocks)


def run(config: LocalnetConfig, shown: AbstractContextManager[Screen]) -> int:
    """Brings a home folder's network up, shows it, and takes it down again on Ctrl-C.

    Args:
        config: what the user asked for.
        shown: opens the screen where it is shown.

    Returns:
        How many of its own blocks are final.

    Raises:
        PolError: it could not be brought up; what was started is ended.
    """
    cast, task, up = chosen(config.cheats), fitting(config.home, config.task), None
    with signals_raise(), alone(config.home), ExitStack() as stack:
        screen = stack.enter_context(shown)
        try:
            up = _raise(config, cast, task, stack, screen)
            up.follow(config.blocks)
        except KeyboardInterrupt:
            screen.say("stopping the agents, then L1, which saves its chain")
    return 0 if up is None else up.own_final


def _raise(config: LocalnetConfig, cast: Sequence[Party], task: Path, stack: ExitStack, screen: Screen) -> _Localnet:
    net = stack.enter_context(running_devnet(config.home / "devnet", screen.say))
    deployment = found_or_deployed(config.home, net.rpc, task, screen.say)
    client = Client.connect(net.rpc, deployment)
    bonded(client, cast, config.home / "bonds", screen.say)
    processes = stack.enter_context(AgentProcesses(config.home))
    processes.start(cast, explorer_of(config.home, screen.say) if config.explorer else {})
    screen.say(f"{', '.join(party.name for party in cast)} started")
    observer = Observer(client, deployment)
    names = {party.address: party.name for party in cast}
    watcher = Watcher(observer, config.home / "agents", screen, names, part_names(cast), processes.ended)
    return _Localnet(cast, observer, watcher)


def explorer_of(home: Path, say: Callable[[str], None]) -> dict[str, list[str]]:
    """Returns the command line of an explorer, which finds the agents' names in their status files."""
    port = EXPLORER_PORT if is_free(EXPLORER_PORT) else free_port()
    say(f"the explorer will be at http://{HOST}:{port}")
    command = [sys.executable, "-m", "pol_oracle.cli", "--home", str(home), "explorer", "--port", str(port)]
    return {"explorer": command}
