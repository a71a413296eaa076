"""The demo from start to end: set the stage, follow L1 until every fate is known, tell what happened."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from pol_oracle import advice
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.l1.devnet.process import signals_raise
from pol_oracle.l1.monitor import Monitor
from pol_oracle.launch import launch
from pol_oracle.report.figure import draw
from pol_oracle.report.history import finalized_chain
from pol_oracle.view import History
from pol_oracle.watch.events import line
from pol_oracle.watch.screen import Screen, open_screen

from .bonds import balance_of, deposit_missing
from .cast import ROLES, Party, assemble
from .ending import print_ending
from .pages import explorer, write_names
from .progress import snapshot
from .records import rejections
from .stage import AgentProcesses
from .verdict import DemoOutcome, Scene
from .warmup import prepare

POLL_S = 0.5
TASK = Path(__file__).with_name("task.toml")


@dataclass(frozen=True)
class DemoConfig:
    """What the user asked for.

    Attributes:
        home: folder in which the run gets a folder of its own.
        cache: folder of finished data sets.
        out: where figure1.png and demo.json go.
        task: task file.
        blocks: honest blocks to be finalized.
        limit_s: seconds after which a demo that has not ended counts as failed.
        keep: keep the run's folder; a failed run's is always kept.
        explorer: serve the chain's pages from the start on, and after the end until Ctrl-C.
    """

    home: Path
    cache: Path
    out: Path
    task: Path
    blocks: int = 12
    limit_s: float = 420.0
    keep: bool = False
    explorer: bool = False


@dataclass
class _DemoRun:
    """A demo under way."""

    config: DemoConfig
    home: Path
    client: Client
    deployment: Deployment
    cast: tuple[Party, ...]
    crew: AgentProcesses
    screen: Screen
    began: float

    def __post_init__(self) -> None:
        genesis = bytes.fromhex(self.deployment.genesis_id.removeprefix("0x"))
        self.history = History(genesis)
        self.monitor = Monitor(self.client, self.deployment.deployed_at, self.deployment.confirmations)
        self.trouble: dict[str, str] = {}
        self._told: set[tuple[str, str]] = set()  # whose refusals, for what

    @property
    def scene(self) -> Scene:
        """Everything known now."""
        refused = rejections(self.home / "agents", self.cast)
        return Scene(self.cast, tuple(self.history.events), refused)

    def follow(self) -> None:
        """Follows L1 until the demo may end, has failed, or takes too long."""
        while True:
            scene = self._look()
            for name, words in self.crew.ended().items():
                if name not in self.trouble:
                    self.trouble[name] = f"the process of {name} ended: {words}"
                    self.screen.say(self.trouble[name])
            if self.trouble or scene.complete(self.config.blocks):
                return
            if time.monotonic() - self.began > self.config.limit_s:
                self.trouble["limit"] = f"the demo has not ended after {self.config.limit_s:g} s"
                return
            time.sleep(POLL_S)

    def _look(self) -> Scene:
        update = self.monitor.poll()
        view = self.history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
        names = {party.address: party.name for party in self.cast}
        for event in update.events:
            if (text := line(event, names, view)) is not None:
                self.screen.say(text)
        scene = self.scene
        for refused in scene.rejections:
            if (refused.party, refused.error) not in self._told:
                self._told.add((refused.party, refused.error))
                self.screen.say(f"L1 refuses a call of {refused.party}: {refused.detail}")
        self.screen.show(snapshot(scene, view, self.config.blocks, self.deployment.task.test_count))
        return scene

    def ending(self) -> DemoOutcome:
        """Reads what everybody has now, and sums up."""
        scene = self.scene
        balances = {party.name: balance_of(self.client, party, scene.events) for party in self.cast}
        seconds = time.monotonic() - self.began
        count, parameters = self.deployment.task.test_count, self.deployment.parameters
        trouble, own_task = tuple(self.trouble.values()), self.config.task == TASK
        return DemoOutcome(scene, balances, count, self.config.blocks, parameters, seconds, trouble, own_task)


def run(config: DemoConfig, *, to_stderr: bool = False) -> DemoOutcome:
    """Runs the demo, writes figure1.png and demo.json, and prints who won and lost what.

    Args:
        config: what the user asked for.
        to_stderr: leave stdout alone.

    Raises:
        PolError: the stage could not be set.
    """
    console = Console(stderr=to_stderr)
    if not console.is_terminal:
        console = Console(stderr=to_stderr, width=160)
    with signals_raise(), _folder(config) as (home, want):
        ending = _perform(config, home, console)
        files = _write(config, ending)
        print_ending(console, ending, files)
        if ending.problems():
            want()
            console.print(f"the run's logs are in {home}", markup=False, highlight=False, soft_wrap=True)
    return ending


def _perform(config: DemoConfig, home: Path, console: Console) -> DemoOutcome:
    began = time.monotonic()
    with ExitStack() as stack:
        screen = stack.enter_context(open_screen(console))
        screen.say("preparing data and kernels")
        workload = prepare(config.task, config.cache)
        net = Devnet.start(home / "devnet", 0, bound=True)
        stack.callback(net.stop)
        client = Client.connect(net.rpc)
        screen.say(f"L1 runs at {net.rpc}; deploying")
        deployment = launch(client, dev_account(0), workload, [str((home / "store").resolve())])
        deployment.save(home / "deployment.json")
        cast = assemble({dev: dev_account(dev).address for dev in range(1, len(ROLES) + 1)})
        client = Client.connect(net.rpc, deployment)
        screen.say(f"{len(cast)} parties bond their ETH")
        deposit_missing(client, cast, home / "bonds")
        write_names(home, cast)
        if config.explorer:
            screen.say(f"the explorer is at {stack.enter_context(explorer(home))}")
        crew = stack.enter_context(AgentProcesses(home))
        crew.start(cast)
        screen.say("all processes are started")
        play = _DemoRun(config, home, client, deployment, cast, crew, screen, began)
        play.follow()
        crew.close()
        ending = play.ending()
        if config.explorer:
            screen.say("all is over; the explorer stays until Ctrl-C")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
        return ending


@contextmanager
def _folder(config: DemoConfig) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A fresh folder for this run, and a function that says it is wanted afterwards, as it is after an error."""
    for folder in (config.home, config.cache, config.out):
        folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="run-", dir=config.home))
    (home / "data").symlink_to(config.cache.resolve(), target_is_directory=True)
    wanted = [config.keep]
    try:
        with advice.given({"--home": str(home)}):  # the run has a network of its own
            yield home, lambda: wanted.append(True)
    except Exception:
        wanted.append(True)
        raise
    finally:
        if not any(wanted):
            shutil.rmtree(home)


def _write(config: DemoConfig, ending: DemoOutcome) -> list[str]:
    """Writes demo.json, and the figure if there is anything to draw."""
    report = config.out / "demo.json"
    report.write_text(json.dumps(ending.as_dict(), indent=2) + "\n")
    chain = finalized_chain(ending.scene.events)
    if not chain:
        return [str(report)]
    figure = config.out / "figure1.png"
    draw(chain, ending.test_count, figure)
    return [str(report), str(figure)]
