"""The grouped search against Algorithm 1 and against plain training: eager torch, one process, the same threads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import keccak
from pol_oracle.search import GroupedSearch, NaiveSearch, Progress, Recipe, pick_device, set_up_torch
from pol_oracle.search import train as plain_training
from pol_oracle.search.attempt import Attempt, Counter, Nonces
from pol_oracle.task import TaskSpec, Workload, build_workload

from .format import Row

THREADS = (os.cpu_count() or 2) if pick_device().type == "cuda" else 2
MINER = "0x" + "11" * 20
RARE = 11 * BIT  # as much as the task allows: candidates seldom disturb
TRIES_BARS = {"resnet18-7x7": 6.0, "resnet18": 2.0, "cnn": 3.5}  # times Algorithm 1
TRAINING_BAR = 0.85  # of plain training's samples per second
MODELS = {"cnn": 3.0, "vgg": 4.0, "resnet18-7x7": 6.0, "resnet18": 12.0}  # seconds of each rival's turn
TURNS = 3
SLOW_BLOCK_S = 5.0


@dataclass(frozen=True)
class Parent:
    """A block to build on."""

    id: bytes = keccak(b"bench")
    correct_after: int = 0


@cache
def workload(model: str, scratch: Path) -> Workload:
    """The devnet's task with some model."""
    spec = TaskSpec.model_validate({"name": "bench", "model": model})
    return build_workload(spec, scratch, THREADS)


class Blind:
    """Counts nothing: candidates are confirmed by the canonical step, and not evaluated."""

    def correct(
        self, state: State, images: object, labels: NDArray[np.uint8], progress: object = None
    ) -> NDArray[np.bool_]:
        """Says that no sample is right, so that no W' is better than its W."""
        return np.zeros(len(labels), np.bool_)


class Runner:
    """Runs a search for a while, again and again, one block after the other."""

    def __init__(
        self, search: GroupedSearch | NaiveSearch, start: State, difficulty: int, *, evaluate: bool = False
    ) -> None:
        self._search, self._state, self._difficulty = search, start, difficulty
        self._counters: Sequence[Counter] = search.counters if evaluate else (Blind(),)
        self._nonce = 0
        self.reset()

    def reset(self) -> None:
        """Forgets what it measured, not where it is."""
        self.tries = self.trained = self.passed = self.confirmed = self.proofs = 0
        self.seconds = 0.0

    @property
    def rate(self) -> float:
        """Tries per second."""
        return self.tries / self.seconds

    def turn(self, seconds: float) -> None:
        """Searches for about so long."""
        began = time.perf_counter()
        while time.perf_counter() < began + seconds:
            self._once(began + seconds)
        self.seconds += time.perf_counter() - began

    def _once(self, ends: float) -> None:
        last = Progress(self._nonce)

        def note(progress: Progress) -> None:
            nonlocal last
            last = progress

        def stop() -> bool:
            return last.tries > 0 and time.perf_counter() >= ends

        self._search.counters = self._counters
        proof = self._search.search(
            Parent(), MINER, self._state, self._difficulty, start_nonce=self._nonce, should_stop=stop, on_progress=note
        )
        self._nonce = last.nonce
        self.tries += last.tries
        self.trained += last.trained
        self.passed += last.passed
        self.confirmed += last.confirmed
        if proof is not None:
            self.proofs += 1
            self._state = proof.post


def tries(scratch: Path) -> Iterator[Row]:
    """Tries per second with training, roots and confirmations, in turns with Algorithm 1; no accuracy is counted."""
    set_up_torch(THREADS)
    for name, turn in MODELS.items():
        prepared = workload(name, scratch)
        grouped = Runner(GroupedSearch(prepared), prepared.initial, RARE)
        naive = Runner(NaiveSearch(prepared), prepared.initial, RARE)
        _in_turns(turn, grouped.turn, naive.turn, after_warm_up=(grouped.reset, naive.reset))
        bar = TRIES_BARS[name] * naive.rate if name in TRIES_BARS else None
        yield Row(f"tries.{name}", grouped.rate, "1/s", baseline=naive.rate, bar=bar, higher_is_better=True)


def _in_turns(
    seconds: float, *works: Callable[[float], object], after_warm_up: tuple[Callable[[], object], ...] = ()
) -> None:
    """Lets several work for the same time, in turns, so that a noisy machine disturbs all alike."""
    for work in works:
        work(0.01)
    for done in after_warm_up:
        done()
    for _ in range(TURNS):
        for work in works:
            work(seconds)


class Training:
    """Plain training with momentum SGD, for a while, again and again."""

    def __init__(self, prepared: Workload, batch_size: int) -> None:
        self._workload, self._recipe = prepared, Recipe(batch_size=batch_size, average=0)
        self.reset()

    def reset(self) -> None:
        """Forgets what it measured."""
        self.samples, self.seconds = 0, 0.0

    def turn(self, seconds: float) -> None:
        """Trains for about so long."""
        began = time.perf_counter()
        done = 0

        def note(step: int, _loss: float) -> None:
            nonlocal done
            done = step

        plain_training(
            self._workload,
            self._workload.initial,
            steps=10**9,
            seed=1,
            recipe=self._recipe,
            should_stop=lambda: time.perf_counter() >= began + seconds,
            on_progress=note,
        )
        self.samples += done * self._recipe.batch_size
        self.seconds += time.perf_counter() - began


def training(scratch: Path) -> Iterator[Row]:
    """Samples trained per second: mining where a candidate takes 5 s and more, with roots and confirmations, and plain
    training. Counting accuracy comes on top: what it costs depends on the test set and on how often blocks are due."""
    set_up_torch(THREADS)
    for name, turn in MODELS.items():
        prepared = workload(name, scratch)
        search = GroupedSearch(prepared)
        probe = Runner(search, prepared.initial, RARE)
        probe.turn(0.01)  # plans
        probe.reset()
        probe.turn(turn / 2)
        bits = max(1, int(np.ceil(np.log2(SLOW_BLOCK_S * probe.rate))))
        assert search.plan is not None
        mining = Runner(search, prepared.initial, bits * BIT)
        whole = Runner(search, prepared.initial, bits * BIT, evaluate=True)
        rival = Training(prepared, search.plan.groups * prepared.task.batch_size)
        resets = (mining.reset, whole.reset, rival.reset)
        _in_turns(2 * turn, mining.turn, whole.turn, rival.turn, after_warm_up=resets)
        ours, theirs = mining.trained / mining.seconds, rival.samples / rival.seconds
        yield Row(
            f"training.{name}.{bits}_bits",
            ours,
            "samples/s",
            baseline=theirs,
            bar=TRAINING_BAR * theirs,
            higher_is_better=True,
        )
        yield Row(f"training.{name}.evaluations_too", whole.trained / whole.seconds, "samples/s", baseline=theirs)
        yield Row(f"training.{name}.candidate_every", mining.seconds / max(1, mining.confirmed), "s")


def phases(scratch: Path) -> Iterator[Row]:
    """Where a round's time goes: milliseconds per try, and their share of the whole."""
    set_up_torch(THREADS)
    for name, turn in MODELS.items():
        prepared = workload(name, scratch)
        search = GroupedSearch(prepared)
        runner = Runner(search, prepared.initial, RARE)
        runner.turn(0.01)
        runner.reset()
        spent: dict[str, float] = {}
        watched = [
            (Nonces, "drawn", "nonces"),
            (search._passes, "train", "pass"),
            (search._network, "snapshot", "root"),
            (search, "_learn", "optimiser"),
            (Attempt, "confirm", "confirm"),
        ]
        with ExitStack() as stack:
            for owner, method, label in watched:
                stack.enter_context(_timed(owner, method, label, spent))
            runner.turn(turn)
        spent["rest"] = runner.seconds - sum(spent.values())
        whole = 1000 * runner.seconds / runner.tries
        for label, seconds in spent.items():
            yield Row(f"phases.{name}.{label}", 1000 * seconds / runner.tries, "ms/try", baseline=whole)


@contextmanager
def _timed(owner: object, method: str, label: str, spent: dict[str, float]) -> Iterator[None]:
    """Adds up how long the calls of a method take."""
    original = getattr(owner, method)

    def run(*arguments: object, **options: object) -> object:
        began = time.perf_counter()
        try:
            return original(*arguments, **options)
        finally:
            spent[label] = spent.get(label, 0.0) + time.perf_counter() - began

    setattr(owner, method, run)
    try:
        yield
    finally:
        setattr(owner, method, original)


def plans(scratch: Path) -> Iterator[Row]:
    """What the miner chooses by itself on this machine."""
    set_up_torch(THREADS)
    for name in MODELS:
        prepared = workload(name, scratch)
        search = GroupedSearch(prepared)
        Runner(search, prepared.initial, 8 * BIT).turn(0.01)
        assert search.plan is not None
        yield Row(f"plans.{name}.groups", search.plan.groups, "groups")
        yield Row(f"plans.{name}.mixed", float(search.plan.mixed), "yes/no")
