"""Whether mining teaches a network what training would."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.search import GroupedSearch, Plan, Progress, Recipe, count_correct, set_up_torch, train
from pol_oracle.task import Workload

from .format import Row
from .search import MINER, THREADS, Parent, workload

GROUPS = (16, 64)
SAMPLES = 192_000
SEEDS = (1, 2, 3)
DIFFICULTY = 11 * BIT
GAP_BAR = 2.0  # percentage points


def accuracy(scratch: Path) -> Iterator[Row]:
    """Test accuracy of the devnet's network after the same number of samples, mined and trained, for three seeds.

    Mined is W itself, as it would be proposed. Trained is plain momentum SGD with batch norm over the whole batch, of
    the same size and with a learning rate that grows with its root as the miner's does: its last weights, and the
    running average of them, which classifies better.
    """
    set_up_torch(THREADS)
    prepared = workload("cnn", scratch)
    for groups in GROUPS:
        batch = groups * prepared.task.batch_size
        learning_rate = Recipe().learning_rate * math.sqrt(batch / Recipe().batch_size)
        gaps = []
        for seed in SEEDS:
            start = State.initial(prepared.model, seed)
            mined = _percent(prepared, _mine(prepared, start, seed, groups))
            plain = {}
            for kind, average in (("last", 0.0), ("average", Recipe().average)):
                recipe = Recipe(batch, learning_rate, average=average)
                trained = train(prepared, start, steps=SAMPLES // batch, seed=seed, recipe=recipe)
                plain[kind] = _percent(prepared, trained)
            row = f"accuracy.batch_{batch}.seed_{seed}"
            yield Row(f"{row}.mined", mined, "%", baseline=plain["average"])
            yield Row(f"{row}.trained_last", plain["last"], "%")
            gaps.append(max(plain.values()) - mined)
        yield Row(f"accuracy.batch_{batch}.worst_gap", max(gaps), "points", bar=GAP_BAR)


def _mine(prepared: Workload, start: State, seed: int, groups: int) -> State:
    """Mines until so many samples were trained on; no block of the chain is as accurate as its parent asks."""
    search = GroupedSearch(prepared, Plan(groups))
    done = 0

    def note(progress: Progress) -> None:
        nonlocal done
        done = progress.trained

    search.search(
        Parent(bytes([seed]) * 32, 10**9),
        MINER,
        start,
        DIFFICULTY,
        should_stop=lambda: done >= SAMPLES,
        on_progress=note,
    )
    return search.state()


def _percent(prepared: Workload, state: State) -> float:
    return 100 * count_correct(prepared, state) / len(prepared.test)
