"""The grouped search against Algorithm 1: eager torch, one process, the same threads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import keccak
from pol_oracle.search import Base, GroupedSearch, Job, NaiveSearch, Progress, pick_device, set_up_torch
from pol_oracle.search.candidates import CandidateCheck
from pol_oracle.search.draws import Nonces
from pol_oracle.search.grouped.group_norm import GroupNorm
from pol_oracle.search.grouped.live_convolution import LiveConvolution
from pol_oracle.task import Workload, build_workload
from pol_oracle.task_file import TaskSpec

from ..format import Row

THREADS = (os.cpu_count() or 2) if pick_device().type == "cuda" else 2
MINER = "0x" + "11" * 20
RARE = 11 * BIT  # as much as the task allows: candidates seldom disturb
TRIES_BARS = {"resnet18-7x7": 9.0, "resnet18": 5.0, "cnn": 10.0}  # times Algorithm 1
MODELS = {"cnn": 3.0, "vgg": 4.0, "resnet18-7x7": 6.0, "resnet18": 12.0}  # seconds of each rival's turn
TURNS = 3


@cache
def workload(model: str, scratch: Path, rate: float = 0.1) -> Workload:
    """The devnet's task with some model and learning rate."""
    spec = TaskSpec.model_validate({"name": "bench", "model": model, "learning_rate": rate})
    return build_workload(spec, scratch, THREADS)


class Blind:
    """Counts nothing: candidates are confirmed by the canonical step, and not evaluated."""

    def correct(
        self, state: State, images: object, labels: NDArray[np.uint8], progress: object = None
    ) -> NDArray[np.bool_]:
        """Says that no sample is right, so that no W' is better than its W."""
        return np.zeros(len(labels), np.bool_)


class Runner:
    """Runs a search for a while, again and again, always on the same W."""

    def __init__(self, search: GroupedSearch | NaiveSearch, state: State, difficulty: int) -> None:
        self._search, self._job = search, Job(keccak(b"bench"), MINER, difficulty)
        self._base = Base(bytes(32), state)
        self._nonce = 0
        search.counters = (Blind(),)
        self.reset()

    def reset(self) -> None:
        """Forgets what it measured, not where it is."""
        self.tries = 0
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

        self._search.search(self._job, self._base, start_nonce=self._nonce, should_stop=stop, on_progress=note)
        self._nonce = last.nonce
        self.tries += last.tries


def tries(scratch: Path) -> Iterator[Row]:
    """Tries per second, confirmations included, in turns with Algorithm 1; no accuracy is counted."""
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


def phases(scratch: Path) -> Iterator[Row]:
    """Where a pass's time goes: milliseconds per try, and their share of the whole."""
    set_up_torch(THREADS)
    for name, turn in MODELS.items():
        prepared = workload(name, scratch)
        runner = Runner(GroupedSearch(prepared), prepared.initial, RARE)
        runner.turn(0.01)
        runner.reset()
        spent: dict[str, float] = {}
        watched = [
            (Nonces, "draw_all", "nonces"),
            (LiveConvolution, "forward", "convolutions"),
            (LiveConvolution, "backward", "convolutions_back"),
            (LiveConvolution, "count_rises", "rises"),
            (GroupNorm, "forward", "norms"),
            (GroupNorm, "backward", "norms_back"),
            (CandidateCheck, "confirm", "confirm"),
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
