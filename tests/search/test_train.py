"""Training between proofs."""

from __future__ import annotations

import numpy as np
import pytest

from pol_oracle.protocol.errors import RuleError
from pol_oracle.search import Recipe, count_correct, train
from tests.task.workloads import small_workload

QUICK = Recipe(batch_size=32, average=0.8)


def test_training_learns_and_moves_the_buffers() -> None:
    workload = small_workload()
    losses: list[float] = []
    state = train(
        workload, workload.initial, steps=60, seed=1, recipe=QUICK, on_progress=lambda done, loss: losses.append(loss)
    )
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.1
    for weight in workload.model.buffers:
        assert not np.array_equal(state[weight.name], workload.initial[weight.name])


def test_the_same_seed_gives_the_same_state() -> None:
    workload = small_workload()
    roots = [train(workload, workload.initial, steps=3, seed=seed, recipe=QUICK).root for seed in (1, 1, 2)]
    assert roots[0] == roots[1] != roots[2]


def test_training_stops_when_told() -> None:
    workload = small_workload()
    done: list[int] = []
    train(
        workload,
        workload.initial,
        steps=50,
        seed=1,
        should_stop=lambda: len(done) >= 2,
        on_progress=lambda step, loss: done.append(step),
    )
    assert done == [1, 2]


def test_no_steps_change_nothing() -> None:
    workload = small_workload()
    assert train(workload, workload.initial, steps=0, seed=1).root == workload.initial.root


def test_divergence_is_an_error_and_no_state() -> None:
    workload = small_workload()
    with pytest.raises(RuleError, match="smaller learning rate"):
        train(workload, workload.initial, steps=5, seed=1, recipe=Recipe(learning_rate=1e30))


def test_torchs_count_is_close_to_the_canonical_one() -> None:
    workload = small_workload()
    state = train(workload, workload.initial, steps=40, seed=1, recipe=QUICK)
    exact = int(workload.evaluator.correct(state, workload.test.images, workload.test.labels).sum())
    assert abs(count_correct(workload, state) - exact) <= 2
