"""Whether mining teaches a network what training would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.search import GroupedSearch, Plan, Progress, Recipe, count_correct, set_up_torch, train
from pol_oracle.task import Workload

from .format import Row
from .search import MINER, THREADS, Parent, workload

GROUPS = 16
PASSES = 3000  # of 64 samples
SEEDS = (1, 2, 3)
DIFFICULTY = 11 * BIT
GAP_BAR = 2.0  # percentage points


def accuracy(scratch: Path) -> Iterator[Row]:
    """Test accuracy of the devnet's network after the same number of samples, mined and trained, for three seeds.

    Mined is W itself, as it would be proposed. Trained is plain momentum SGD with batch norm over the whole batch: its
    last weights, and the running average of them, which classifies better.
    """
    set_up_torch(THREADS)
    prepared = workload("cnn", scratch)
    gaps = []
    for seed in SEEDS:
        start = State.initial(prepared.model, seed)
        mined = _percent(prepared, _mine(prepared, start, seed))
        recipes = {"last": Recipe(average=0), "average": Recipe()}
        plain = {
            kind: _percent(prepared, train(prepared, start, steps=PASSES, seed=seed, recipe=recipe))
            for kind, recipe in recipes.items()
        }
        yield Row(f"accuracy.seed_{seed}.mined", mined, "%", baseline=plain["average"])
        yield Row(f"accuracy.seed_{seed}.trained_last", plain["last"], "%")
        gaps.append(max(plain.values()) - mined)
    yield Row("accuracy.worst_gap", max(gaps), "points", bar=GAP_BAR)


def _mine(prepared: Workload, start: State, seed: int) -> State:
    """Mines until so many samples were trained on; no block of the chain is as accurate as its parent asks."""
    search = GroupedSearch(prepared, Plan(GROUPS))
    done = 0

    def note(progress: Progress) -> None:
        nonlocal done
        done = progress.tries // GROUPS

    search.search(
        Parent(bytes([seed]) * 32, 10**9),
        MINER,
        start,
        DIFFICULTY,
        should_stop=lambda: done >= PASSES,
        on_progress=note,
    )
    return search.state(start)


def _percent(prepared: Workload, state: State) -> float:
    return 100 * count_correct(prepared, state) / len(prepared.test)
