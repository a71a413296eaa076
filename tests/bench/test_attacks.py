"""The attack lab sees a filter that predicts, and does not see one that does not."""

from __future__ import annotations

import numpy as np
import pytest

from pol_oracle.bench.search import attacks, filters
from tests.task.workloads import small_workload

CHOSEN = np.array([[0, 1, 2, 3], [10, 20, 30, 40], [7, 5, 3, 1]])


def moved(chosen: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    workload = small_workload()
    train, numbers = workload.train, filters.convolutions(workload)
    rows = []
    for indices in chosen:
        post = workload.stepper.run(workload.initial, train.images[indices], train.labels[indices]).post
        rows.append(np.concatenate([(post.tensors[i] - workload.initial.tensors[i]).reshape(-1) for i in numbers]))
    return np.array(rows)


def test_without_a_cache_the_filter_is_the_step() -> None:
    workload = small_workload()
    whole = filters.CachedLayers(workload, workload.initial, workload.initial, 0)

    assert ((whole.gradients(CHOSEN) > 0) == (moved(CHOSEN) > 0)).mean() > 0.99


@pytest.mark.parametrize("layers", [1, 2])
def test_a_cache_says_nothing_of_its_own_layers_and_something_of_the_others(layers: int) -> None:
    workload = small_workload()
    sizes = [workload.model.parameters[i].shape for i in filters.convolutions(workload)]
    own = sum(int(np.prod(shape)) for shape in sizes[:layers])

    gradients = filters.CachedLayers(workload, workload.initial, workload.initial, layers).gradients(CHOSEN)

    assert not gradients[:, :own].any()
    assert ((gradients[:, own:] > 0) == (moved(CHOSEN)[:, own:] > 0)).mean() > 0.6


def test_labels_predict_what_follows_from_labels() -> None:
    workload, draw = small_workload(), np.random.default_rng(1)
    chosen = draw.integers(0, 256, (200, 4))
    counts = (workload.train.labels[chosen][:, :, None] == np.arange(10)).sum(axis=1)
    true = counts @ draw.standard_normal((10, 30))

    said = filters.Labels(workload, chosen[:100], true[:100].astype(np.float32)).gradients(chosen[100:])

    assert ((said > 0) == (true[100:] > 0)).mean() > 0.95


def gain(right: float, bits: int, cost: float = 0.0, making: float = 0.0) -> float:
    shares = np.full(attacks.BINS, right)
    return attacks._gain(shares, shares, bits, cost, making)


def test_who_knows_nothing_gains_nothing() -> None:
    assert gain(0.5, 8) == pytest.approx(1.0, abs=0.01)
    assert gain(0.5, 8, cost=1.0) == pytest.approx(0.5, abs=0.01)


def test_who_knows_all_pays_for_the_filter_alone() -> None:
    assert gain(1.0, 8, cost=0.1) == pytest.approx(1 / (0.1 + 2**-8), rel=0.1)


def test_nine_in_ten_directions_are_worth_several_times() -> None:
    assert gain(0.9, 8, cost=0.1) > 3


def test_making_the_filter_counts_once_per_block() -> None:
    honest = attacks.HITS * 2**8
    assert gain(1.0, 8, making=honest) == pytest.approx(1.0, rel=0.02)
