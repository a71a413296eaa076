"""A soak from start to end: set the stage, let the world do its worst, put everything in order, see what is lost."""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from pol_oracle import advice
from pol_oracle.demo.bonds import deposit_missing, stake
from pol_oracle.demo.warmup import prepare
from pol_oracle.l1.client import Client
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.devnet.process import signals_raise
from pol_oracle.l1.events.typed import BlockFinalized, BlockSlashed, Deposited
from pol_oracle.launch import launch
from pol_oracle.watch.events import line

from .judging.report import Report
from .judging.resources import YOUNG_S, Usage, growth, on_disk, usage
from .judging.verdict import BondOrder, Check, Facts, honest_blocks, money, problems, wrong_blocks
from .judging.witness import Sums, Witness, cap, patience
from .network.cast import ACCOUNTS, Saver, honest
from .network.l1 import TamperedL1
from .network.world import World
from .schedule import Bounds, Fault, schedule
from .screen import SoakScreen

TASK = Path(__file__).with_name("task.toml")
TICK_S = 0.2
LOOK_S = 2.0
SAMPLE_S = 5.0
START_LIMIT_S = 240.0  # for agents to load and to find the first block
ALL_ALONG: tuple[Check, ...] = (honest_blocks, money, wrong_blocks)  # what is looked at while it runs, too


@dataclass(frozen=True)
class SoakConfig:
    """What the user asked for.

    Attributes:
        home: folder in which the run gets a folder of its own.
        cache: folder of finished data sets.
        seconds: of faults.
        seed: of all chance.
        task: task file.
    """

    home: Path
    cache: Path
    seconds: float
    seed: int
    task: Path = TASK


def run(config: SoakConfig, console: Console) -> Report:
    """Soaks, and returns what was lost. Ctrl-C ends it early.

    Raises:
        PolError: the stage could not be set.
    """
    with signals_raise(), _folder(config) as (home, want), SoakScreen(console, config.seconds) as screen:
        with ExitStack() as stack:
            soak = _set_stage(config, home, screen, stack)
            whole = soak.last()
            report = soak.report(whole)
        if report.problems:
            want()
            screen.say(f"the run's files are in {home}")
    return report


def _set_stage(config: SoakConfig, home: Path, screen: SoakScreen, stack: ExitStack) -> Soak:
    workload = prepare(config.task, config.cache)
    l1 = TamperedL1(home / "devnet", ACCOUNTS)
    stack.callback(l1.close)
    deployment = launch(l1.client, dev_account(0), workload, [str((home / "store").resolve())])
    deployment.save(home / "deployment.json")
    client = Client.connect(l1.rpc, deployment)
    cast = honest()
    accounts = {party.name: party.address for party in cast} | {Saver().name: Saver().address}
    witness = Witness(client, deployment, accounts, deployment.confirmations + 3)
    deposit_missing(client, cast, home / "bonds")
    world = World(home, config.cache, l1, config.seed, screen.say)
    stack.callback(world.close)
    for party in cast:
        world.add(party)
    roles = [[p.name for p in cast if p.part is part] for part in dict.fromkeys(p.part for p in cast)]
    bounds = Bounds(roles, deployment.confirmations, max(deployment.parameters.answer_window // 8, 1))
    faults = schedule(config.seed, config.seconds, bounds)
    return Soak(config, witness, world, l1, faults, screen)


class Soak:
    """A soak under way.

    Args:
        config: what the user asked for.
        witness: of L1.
        world: agents, users and what strikes them.
        l1: below them.
        faults: to come.
        screen: where it reports to.
    """

    def __init__(
        self,
        config: SoakConfig,
        witness: Witness,
        world: World,
        l1: TamperedL1,
        faults: tuple[Fault, ...],
        screen: SoakScreen,
    ) -> None:
        self._config, self._witness, self._world, self._l1, self._screen = config, witness, world, l1, screen
        self._cast = honest()
        self._faults = faults
        self._happened: list[Fault] = []
        self._steps: list[tuple[float, Callable[[Fault], None], Fault]] = []
        self._samples: dict[str, list[Usage]] = {name: [] for name in world.agents}
        self._next_look = self._next_sample = 0.0
        self._loaded_at = math.inf  # known once the network is at work
        self._told: set[str] = set()
        self._first = l1.client.latest().number
        self._healed_at: float | None = None
        self._recovered_at: float | None = None

    def last(self) -> bool:
        """Goes through the schedule and waits until everything is in order again; returns False if cut short."""
        try:
            self._begin()
            while self._steps or self._world.now < self._config.seconds:
                self._turn()
            self._world.heal_all()
            self._healed_at = self._world.now
            self._screen.say("the last fault is over; waiting until all is judged and a block is final")
            limit = self._world.now + patience(self._witness.deployment.parameters)
            while not self._in_order() and self._world.now < limit:
                self._turn()
        except KeyboardInterrupt:
            self._screen.say("stopped early")
            return False
        return True

    def _begin(self) -> None:
        """Waits until the network is at work."""
        self._screen.say(f"{len(self._cast)} agents are started; the seed is {self._config.seed}")
        while len(self._witness.history.view.blocks) == 1 and self._world.now < START_LIMIT_S:
            self._turn()
        self._screen.say(f"the network is at work; {len(self._faults)} faults in {self._config.seconds:g} s")
        self._first = self._l1.client.latest().number
        self._loaded_at = self._world.now  # as long again: all load at once, the longer the slower the machine
        self._world.set_clock()
        self._next_look = self._next_sample = 0.0
        steps = [(f.at, self._world.begin, f) for f in self._faults]
        steps += [(f.until, self._world.heal, f) for f in self._faults]
        self._steps = sorted(steps, key=lambda step: step[0])

    def report(self, whole: bool) -> Report:
        """Ends all agents, takes in all of L1, and judges."""
        self._world.heal_all()
        self._world.stop()
        seconds = self._world.now
        self._witness.settle()
        facts = replace(self._facts(), whole=whole, growth=growth(self._samples))
        recovery = None
        if self._recovered_at is not None and self._healed_at is not None:
            recovery = round(self._recovered_at - self._healed_at, 1)
        parameters = self._witness.deployment.parameters
        lost = problems(facts, lambda payment: cap(payment, parameters))
        lies = dict(self._world.told)
        return Report(self._config.seed, facts, tuple(self._happened), seconds, recovery, lies, lost)

    def _turn(self) -> None:
        while self._steps and self._steps[0][0] <= self._world.now:
            _, step, fault = self._steps.pop(0)
            step(fault)
            if fault not in self._happened:
                self._happened.append(fault)
        self._world.turn()
        if self._world.now >= self._next_look:
            self._look()
            self._next_look = self._world.now + LOOK_S
        if self._world.now >= self._next_sample:
            self._sample()
            self._next_sample = self._world.now + SAMPLE_S
        time.sleep(TICK_S)

    def _look(self) -> None:
        names = {p.address: p.name for p in (*self._cast, *self._world.cheats)}
        events = self._witness.look()
        for event in events:
            if isinstance(event, BlockSlashed):
                self._screen.say(line(event, names, self._witness.history.view) or "")
                self._world.retire(event.miner)
            if isinstance(event, BlockFinalized) and self._healed_at is not None and self._recovered_at is None:
                self._recovered_at = self._world.now
        final = len(self._witness.history.view.finalized) - 1
        self._screen.show(self._world.now, f"{final} final, {len(self._happened)} faults")
        if events:
            facts = replace(self._facts(purses=False), whole=False)
            for told in (text for check in ALL_ALONG for text in check(facts) if text not in self._told):
                self._told.add(told)
                self._screen.say(f"LOST: {told}", "red")

    def _sample(self) -> None:
        for name, agent in self._world.agents.items():
            if self._world.now < self._loaded_at or agent.age_s < YOUNG_S:
                continue
            if (pid := agent.pid) is not None and (taken := usage(pid, self._world.homes[name])) is not None:
                self._samples[name].append(taken)
        for name, place in self._world.places.items():
            self._samples.setdefault(name, []).append(Usage(*on_disk(place)))

    def _in_order(self) -> bool:
        """Whether nothing is left to wait for."""
        cheats = {party.address for party in self._world.cheats}
        judged = all(block.miner not in cheats for block in self._witness.history.view.pending)
        return judged and not self._world.cheating and self._world.idle and self._recovered_at is not None

    def _facts(self, *, purses: bool = True) -> Facts:
        """All that is known now; without purses it costs no question to L1."""
        witness, world = self._witness, self._world
        parameters = witness.deployment.parameters
        sums = witness.sums() if purses else Sums(0, 0)
        deposits = tuple(BondOrder(p.address, Deposited, stake(witness.client, p), 0) for p in self._cast)
        return Facts(
            honest=self._cast,
            cheats=tuple(world.cheats),
            events=tuple(witness.history.events),
            purses=witness.purses() if purses else {},
            addresses=witness.accounts,
            payments=witness.payments,
            orders=(*deposits, *world.orders),
            vault=sums.vault,
            owed=sums.owed,
            first=self._first,
            last=max(witness.history.view.l1_block, self._first),
            patience=patience(parameters),
            endings=tuple(world.endings),
            trouble=tuple(world.trouble),
        )


@contextmanager
def _folder(config: SoakConfig) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A fresh folder for this run, and a function that says it is wanted afterwards, as it is after an error."""
    for folder in (config.home, config.cache):
        folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="run-", dir=config.home)).resolve()
    wanted: list[bool] = []
    try:
        with advice.given({"--home": str(home)}):  # the run has a network of its own
            yield home, lambda: wanted.append(True)
    except Exception:
        wanted.append(True)
        raise
    finally:
        if not wanted:
            shutil.rmtree(home)
