"""Small runs: the devnet's network on a few samples, under the paper's rules."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from pol_oracle.reproduce.figure1 import Figure1Plan, Figure1Result, reproduce
from pol_oracle.reproduce.folder import BlockEntry
from pol_oracle.reproduce.mining import Standing
from pol_oracle.task_file import TaskSpec
from tests.task.workloads import small_spec

BITS = 3


class Watcher:
    """Notes what a run shows, and calls ``at_step`` before every step."""

    def __init__(self, at_step: Callable[[], None] = lambda: None) -> None:
        self.began: list[BlockEntry] = []
        self.blocks: list[BlockEntry] = []
        self.seen: list[Standing] = []
        self._at_step = at_step

    def begin(self, chain: list[BlockEntry]) -> None:
        self.began = list(chain)

    def step(self, now: Standing, evaluating: bool) -> None:
        self.seen.append(now)
        self._at_step()

    def block(self, block: BlockEntry) -> None:
        self.blocks.append(block)


def paper_spec(bits: int = BITS, rules: str = "paper", seed: int = 1) -> TaskSpec:
    spec = small_spec(rules)
    return spec.model_copy(
        update={"seed": seed, "chain": spec.chain.model_copy(update={"difficulty_bits": bits})},
    )


def run(
    out: Path,
    blocks: int,
    spec: TaskSpec | None = None,
    watcher: Watcher | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Figure1Result:
    """A run whose data sets are kept beside its folder."""
    plan = Figure1Plan(spec or paper_spec(), blocks, out, out.parent / "data")
    return reproduce(plan, watcher or Watcher(), should_stop)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def mined(path: Path) -> list[dict[str, str]]:
    """The rows less what a clock measured."""
    timed = ("seconds", "cpu_seconds")
    return [{name: value for name, value in row.items() if name not in timed} for row in rows(path)]
