"""Continues the chain of a folder, and draws it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from pol_oracle.canonical.selftest import self_test
from pol_oracle.data import DataSpec, at_hand
from pol_oracle.protocol.difficulty import from_bits, whole_bits
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.header import Header
from pol_oracle.report.figure import draw
from pol_oracle.task import Workload, build_workload
from pol_oracle.task_file import TaskSpec, load_spec

from .folder import BlockEntry, Folder, Identity
from .mining import PaperMiner, Standing, genesis_of

SAVE_S = 60.0  # between two savings of a search under way: at most so much work is lost with the process
TASK = Path(__file__).with_name("figure1.toml")


def default_task(cache: Path) -> TaskSpec:
    """Returns the task of the figure: on CIFAR-10 where it is at hand, else on the digits."""
    spec, cifar = load_spec(TASK), DataSpec(kind="cifar10")
    return spec.model_copy(update={"data": cifar}) if at_hand(cifar, cache) else spec


class Figure1Screen(Protocol):
    """Who watches a run."""

    def begin(self, chain: list[BlockEntry]) -> None:
        """The chain so far, before the first step."""

    def step(self, now: Standing, evaluating: bool) -> None:
        """The search goes on."""

    def block(self, block: BlockEntry) -> None:
        """A block was found."""


@dataclass(frozen=True)
class Figure1Plan:
    """What to do.

    Attributes:
        spec: the task; its difficulty is k.
        blocks: how many blocks the chain shall have.
        out: the run's folder.
        cache: folder of finished data sets.
        threads: of the canonical arithmetic.
    """

    spec: TaskSpec
    blocks: int
    out: Path
    cache: Path
    threads: int = 1

    @property
    def k(self) -> int:
        """Requirements per block."""
        return whole_bits(from_bits(self.spec.chain.difficulty_bits))


@dataclass(frozen=True)
class Figure1Result:
    """What a run leaves.

    Attributes:
        chain: all blocks so far.
        csv: their file.
        png: the figure; None as long as there is no block.
        title: of the figure.
    """

    chain: tuple[BlockEntry, ...]
    csv: Path
    png: Path | None
    title: str


def reproduce(
    plan: Figure1Plan, screen: Figure1Screen, should_stop: Callable[[], bool] = lambda: False
) -> Figure1Result:
    """Mines until the chain has so many blocks, or until told to stop, and draws the figure.

    Args:
        plan: what to do.
        screen: who watches.
        should_stop: asked before every step and during evaluations.

    Raises:
        InputError: the task is not one of the paper's rules, or the folder holds another chain.
        DataError: the data set is missing.
        RuleError: training diverged.
        OSError: a file cannot be written.
    """
    if plan.spec.rules != "paper":
        raise InputError(f"Figure 1 is mined under the rule set paper, and task {plan.spec.name} has {plan.spec.rules}")
    self_test()
    workload = build_workload(plan.spec, plan.cache, plan.threads)
    folder = Folder(plan.out, Identity(workload.task.id.hex(), plan.k), workload.model)
    with folder.locked():
        chain = _Figure1Run(plan, workload, folder, screen, should_stop).run()
        title = _title(plan, len(chain))
        if chain:
            draw(chain, len(workload.test), folder.png, title=title, interval="mining a block (processor seconds)")
    return Figure1Result(tuple(chain), folder.csv, folder.png if chain else None, title)


def _title(plan: Figure1Plan, blocks: int) -> str:
    data = {"digits": "digits", "cifar10": "CIFAR-10"}[plan.spec.data.kind]
    threads = f"{plan.threads} {'thread' if plan.threads == 1 else 'threads'}"
    return (
        f"{plan.spec.model} on {data}, the paper's rules, k = {plan.k}: "
        f"{blocks} {'block' if blocks == 1 else 'blocks'}\n{threads} on {os.cpu_count()} CPU cores"
    )


class _StoppedError(Exception):
    """The caller wants no more."""


class _Figure1Run:
    """Mines, and keeps what it has."""

    def __init__(
        self,
        plan: Figure1Plan,
        workload: Workload,
        folder: Folder,
        screen: Figure1Screen,
        should_stop: Callable[[], bool],
    ) -> None:
        self._blocks, self._workload, self._folder, self._screen = plan.blocks, workload, folder, screen
        self._should_stop = should_stop
        self._miner = PaperMiner(workload, plan.k)
        self._chain, saved = folder.load()
        self._now = saved or Standing(workload.initial)
        self._clock = _Clock()

    def run(self) -> list[BlockEntry]:
        """Mines until there are enough blocks, or until told to stop."""
        self._save()  # from now on the folder is this chain's
        self._screen.begin(self._chain)
        self._clock.lap()
        try:
            while len(self._chain) < self._blocks:
                self._look()
                self._step()
        except _StoppedError:
            self._now = self._clock.add_lap(self._now)
        finally:
            self._save()
        return self._chain

    def _look(self, evaluating: bool = False) -> None:
        if self._should_stop():
            raise _StoppedError
        self._screen.step(self._now, evaluating)

    def _step(self) -> None:
        parent = bytes.fromhex(self._chain[-1].block_id) if self._chain else genesis_of(self._workload.task)
        after, header = self._miner.attempt(parent, self._now, lambda: self._look(evaluating=True))
        self._now = self._clock.add_lap(after)
        if header is not None:
            block = self._block(header)
            self._chain.append(block)
            self._now = Standing(after.state)
            self._folder.add(self._chain, self._now)
            self._clock.saved()
            self._screen.block(block)
        elif self._clock.since_saving > SAVE_S:
            self._save()

    def _save(self) -> None:
        self._folder.save(self._chain, self._now)
        self._clock.saved()

    def _block(self, header: Header) -> BlockEntry:
        now, tests = self._now, len(self._workload.test)
        return BlockEntry(
            height=len(self._chain) + 1,
            block_id=header.id(self._workload.task.id).hex(),
            tries=now.tries,
            candidates=now.candidates,
            seconds=round(now.seconds, 2),
            cpu_seconds=round(now.cpu_seconds, 2),
            correct_before=header.correct_before,
            correct_after=header.correct_after,
            test_count=tests,
            accuracy=round(header.correct_after / tests, 4),
            indices=" ".join(map(str, header.indices)),
            pre_root=header.pre_root.hex(),
            post_root=header.post_root.hex(),
            trace_root=header.trace_root.hex(),
            eval_root=header.eval_root.hex(),
        )


class _Clock:
    """Measures laps, and the time since the last saving."""

    def __init__(self) -> None:
        self._wall = self._saved = time.monotonic()
        self._cpu = time.process_time()

    def lap(self) -> tuple[float, float]:
        """Returns the seconds since the last lap, by the clock and of the processor."""
        wall, cpu = time.monotonic(), time.process_time()
        lap = wall - self._wall, cpu - self._cpu
        self._wall, self._cpu = wall, cpu
        return lap

    def add_lap(self, now: Standing) -> Standing:
        """Adds the seconds since the last lap to a search's."""
        seconds, cpu_seconds = self.lap()
        return replace(now, seconds=now.seconds + seconds, cpu_seconds=now.cpu_seconds + cpu_seconds)

    def saved(self) -> None:
        """Something was saved."""
        self._saved = time.monotonic()

    @property
    def since_saving(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self._saved
