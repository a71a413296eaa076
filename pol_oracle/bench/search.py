"""The grouped search against Algorithm 1 and against plain training: float32 eager torch, one process, same threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pol_oracle.canonical.state import State
from pol_oracle.data import DataSpec
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import keccak
from pol_oracle.search import GroupedSearch, NaiveSearch, Progress, use_threads
from pol_oracle.task import TaskSpec, Workload, build_workload

from .format import Row

THREADS = 2
MINER = "0x" + "11" * 20
RARE = 14 * BIT  # candidates too rare to disturb
TRIES_BARS = {"resnet18-7x7": 6.0, "resnet18": 2.0, "cnn": 3.5}
SLICE_S = 4.0  # each rival's turn
TURNS = 4
TRAINING_BAR = 0.85
EVALUATIONS_BLOCK_S = 5.0


@dataclass(frozen=True)
class Parent:
    """A block to build on."""

    id: bytes = keccak(b"bench")
    correct_after: int = 0


@cache
def workload(model: str, scratch: Path) -> Workload:
    """The devnet's task with another model."""
    spec = TaskSpec.model_validate({"name": "bench", "model": model, "learning_rate": 0.003, "data": DataSpec()})
    return build_workload(spec, scratch, THREADS)


class Blind:
    """Counts nothing: candidates are confirmed, and not evaluated."""

    def correct(self, state: State, images: object, labels: NDArray[np.uint8], progress: object) -> NDArray[np.bool_]:
        """Says that no sample is right, so that no W' is better than its W."""
        return np.zeros(len(labels), np.bool_)


class Runner:
    """Runs a search for a while, again and again."""

    def __init__(self, search: GroupedSearch | NaiveSearch, start: State, difficulty: int) -> None:
        self._search, self._state, self._difficulty = search, start, difficulty
        self.tries = self.trained = self.proofs = self.confirmed = 0
        self.seconds = 0.0
        self._nonce = 0

    def turn(self, seconds: float) -> None:
        """Searches for about so long, one block after the other."""
        ends = time.perf_counter() + seconds
        while (began := time.perf_counter()) < ends:
            self._once(lambda: time.perf_counter() >= ends)
            self.seconds += time.perf_counter() - began

    def _once(self, over: Callable[[], bool]) -> None:
        last = Progress(self._nonce)

        def note(progress: Progress) -> None:
            nonlocal last
            last = progress

        def stop() -> bool:
            return last.tries > 0 and over()

        proof = self._search.search(
            Parent(), MINER, self._state, self._difficulty, start_nonce=self._nonce, should_stop=stop, on_progress=note
        )
        self._nonce = last.nonce
        self.tries += last.tries
        self.trained += last.trained
        self.confirmed += last.confirmed
        if proof is not None:
            self.proofs += 1
            self._state = proof.post


def tries(scratch: Path) -> Iterator[Row]:
    """Tries per second, training update and roots included, in turns with Algorithm 1."""
    use_threads(THREADS)
    for name in ("cnn", "vgg", "resnet18-7x7", "resnet18"):
        prepared = workload(name, scratch)
        grouped = Runner(GroupedSearch(prepared), prepared.initial, RARE)
        naive = Runner(NaiveSearch(prepared), prepared.initial, RARE)
        for runner in (grouped, naive):
            runner.turn(0.1)  # plans, compiles
            runner.tries, runner.seconds = 0, 0.0
        for _ in range(TURNS):
            grouped.turn(SLICE_S)
            naive.turn(SLICE_S)
        ours, theirs = grouped.tries / grouped.seconds, naive.tries / naive.seconds
        bar = TRIES_BARS[name] * theirs if name in TRIES_BARS else None
        yield Row(f"tries.{name}", ours, "tries/s", baseline=theirs, bar=bar, higher_is_better=True)
