"""The screen counts exactly what the canonical evaluation counts, and asks it about few samples only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

import numpy as np
import pytest
from numpy.typing import NDArray

from pol_oracle.canonical.evaluate import Evaluator
from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import InputError, NotFinite
from pol_oracle.search.screening import DRAWN, NARROWEST, ScreeningEvaluator, relative_deviations, relative_margins
from tests.task.workloads import small_workload, state_after

Bytes = NDArray[np.uint8]
Bits = NDArray[np.bool_]
Floats = NDArray[np.float32]
Change = Callable[[Floats], object]

MODEL = small_workload().model
TEST = small_workload().test


class Counting(Evaluator):
    """Notes how many samples were evaluated."""

    samples = 0

    def correct(
        self, state: State, images: Bytes, labels: Bytes, progress: Callable[[int], None] | None = None
    ) -> Bits:
        self.samples += len(images)
        return super().correct(state, images, labels, progress)

    def logits(self, state: State, images: Bytes) -> Floats:
        self.samples += len(images)
        return super().logits(state, images)


@pytest.fixture(scope="module")
def evaluator() -> Counting:
    return Counting(MODEL)


@pytest.fixture(scope="module")
def screen(evaluator: Counting) -> ScreeningEvaluator:
    return ScreeningEvaluator(evaluator)


@pytest.fixture(scope="module")
def trained() -> State:
    return state_after(240)


def changed(state: State, changes: Mapping[str, Change]) -> State:
    """The state with some tensors worked over in place."""
    tensors = state.to_torch()
    for name, change in changes.items():
        change(tensors[name])
    return State.from_torch(MODEL, tensors)


def fill(value: float) -> Change:
    return lambda tensor: tensor.fill(value)


def put(place: int, value: float) -> Change:
    return lambda tensor: np.put(tensor, place, value)


def times(state: State, factor: float) -> State:
    return State(MODEL, state.flat * np.float32(factor))


def squeezed(state: State, bits: int) -> State:
    """All margins 2**bits times as narrow, as logits keep what all classes have in common."""

    def squeeze(rows: Floats) -> None:
        common = rows.mean(0)
        rows[:] = common + (rows - common) * np.float32(2.0**-bits)

    return changed(state, {"fc.weight": squeeze, "fc.bias": squeeze})


def tied(state: State, steps: int = 0) -> State:
    """Classes 3 and 7 win everywhere with equal logits; or that of 7 has a bias so many floats greater."""
    best = np.float32(64)
    for _ in range(steps):
        best = np.nextafter(best, np.float32(np.inf))

    def copy_row(rows: Floats) -> None:
        rows[7] = rows[3]

    def lift(bias: Floats) -> None:
        bias[3], bias[7] = 64, best

    return changed(state, {"fc.weight": copy_row, "fc.bias": lift})


def check(screen: ScreeningEvaluator, evaluator: Counting, state: State) -> int:
    """Compares bit for bit; returns how many samples the screen had evaluated canonically."""
    try:
        exact = evaluator.correct(state, TEST.images, TEST.labels)
    except NotFinite:  # no such state can stand in a block; the screen meets the sample too, or leaves it to the claim
        with suppress(NotFinite):
            screen.correct(state, TEST.images, TEST.labels)
        return len(TEST)
    before = evaluator.samples
    assert np.array_equal(screen.correct(state, TEST.images, TEST.labels), exact)
    return evaluator.samples - before


@pytest.mark.parametrize("steps", [0, 1, 20])
def test_it_counts_what_the_evaluator_counts(screen: ScreeningEvaluator, evaluator: Counting, steps: int) -> None:
    check(screen, evaluator, state_after(steps))


def test_few_samples_of_an_ordinary_state_are_canonical(
    screen: ScreeningEvaluator, evaluator: Counting, trained: State
) -> None:
    for state in (small_workload().initial, trained):
        assert check(screen, evaluator, state) <= DRAWN + NARROWEST + 16


@pytest.mark.parametrize("bits", range(2, 26, 3))
def test_margins_of_all_sizes(screen: ScreeningEvaluator, evaluator: Counting, trained: State, bits: int) -> None:
    check(screen, evaluator, squeezed(trained, bits))


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_where_all_samples_tie_all_are_canonical(
    screen: ScreeningEvaluator, evaluator: Counting, trained: State, steps: int
) -> None:
    assert check(screen, evaluator, tied(trained, steps)) == len(TEST)


@pytest.mark.parametrize("ulps", [-1, 0, 1])
def test_a_sample_whose_best_two_tie_or_are_one_ulp_apart(
    screen: ScreeningEvaluator, evaluator: Counting, ulps: int
) -> None:
    """The initial biases are 0, so the logits are the products, and a bias moves the second one where it should be."""
    state = small_workload().initial
    assert not state["fc.bias"].any()
    logits = evaluator.logits(state, TEST.images)
    hit = 0
    for sample in range(0, len(TEST), 11):
        second, best = np.argsort(logits[sample])[-2:]
        goal = logits[sample, best]
        goal = np.nextafter(goal, np.float32(np.inf * ulps)) if ulps else goal
        close = changed(state, {"fc.bias": put(int(second), goal - logits[sample, second])})
        hit += evaluator.logits(close, TEST.images[sample : sample + 1])[0, second] == goal
        check(screen, evaluator, close)
    assert hit > 5


@pytest.mark.parametrize("factor", [2.0**20, 2.0**-20, 1e30, 1e-30])
def test_scaled_states(screen: ScreeningEvaluator, evaluator: Counting, trained: State, factor: float) -> None:
    check(screen, evaluator, times(trained, factor))
    scale: Change = lambda tensor: np.multiply(tensor, np.float32(factor), out=tensor)  # noqa: E731
    check(screen, evaluator, changed(trained, {"fc.weight": scale}))
    check(screen, evaluator, changed(trained, {"fc.weight": scale, "fc.bias": scale}))
    check(screen, evaluator, changed(trained, {"conv2.weight": scale}))


@pytest.mark.parametrize("name", ["conv1.weight", "bn2.running_mean", "fc.weight", "fc.bias"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_a_weight_that_is_not_a_number_or_overflows(
    screen: ScreeningEvaluator, evaluator: Counting, trained: State, name: str, value: float
) -> None:
    for place in (0, -1):
        state = changed(trained, {name: put(place, value)})
        assert check(screen, evaluator, state) == len(TEST) or state.finite


def test_dead_networks(screen: ScreeningEvaluator, evaluator: Counting, trained: State) -> None:
    """Logits that are all alike, all zero or all bias leave no deviation to learn from."""
    assert check(screen, evaluator, times(trained, 0)) == len(TEST)
    dead = {"bn3.weight": fill(0), "bn3.bias": fill(0)}
    check(screen, evaluator, changed(trained, dead))
    check(screen, evaluator, changed(trained, {**dead, "fc.bias": fill(1)}))
    check(screen, evaluator, changed(trained, {**dead, "fc.bias": put(4, 1)}))


def test_the_private_draw_changes_no_bit(evaluator: Counting, trained: State) -> None:
    state = squeezed(trained, 9)
    exact = evaluator.correct(state, TEST.images, TEST.labels)
    for seed in range(6):
        screen = ScreeningEvaluator(evaluator, draws=np.random.default_rng(seed))
        for _ in range(2):
            assert np.array_equal(screen.correct(state, TEST.images, TEST.labels), exact)


def test_a_greater_deviation_makes_more_samples_canonical(trained: State) -> None:
    class Rough(Counting):
        """Another arithmetic: its logits are some thousandths off."""

        def logits(self, state: State, images: Bytes) -> Floats:
            return super().logits(state, images) * np.float32(1.002)

    ordinary, rough = Counting(MODEL), Rough(MODEL)
    for evaluator in (ordinary, rough):
        ScreeningEvaluator(evaluator, draws=np.random.default_rng(1)).correct(trained, TEST.images, TEST.labels)
    assert rough.samples == len(TEST) > 2 * ordinary.samples


def test_a_canonical_logit_that_is_not_finite_makes_all_canonical(trained: State) -> None:
    class Broken(Counting):
        def logits(self, state: State, images: Bytes) -> Floats:
            return super().logits(state, images) * np.float32(np.inf)

    evaluator = Broken(MODEL)
    exact = evaluator.correct(trained, TEST.images, TEST.labels)
    assert np.array_equal(ScreeningEvaluator(evaluator).correct(trained, TEST.images, TEST.labels), exact)
    assert evaluator.samples > 2 * len(TEST)


def test_few_samples_or_none(screen: ScreeningEvaluator, evaluator: Counting, trained: State) -> None:
    for count in (0, 1, DRAWN + NARROWEST, DRAWN + NARROWEST + 1):
        images, labels = TEST.images[:count], TEST.labels[:count]
        exact = evaluator.correct(trained, images, labels)
        assert np.array_equal(screen.correct(trained, images, labels), exact)


def test_progress_never_falls_and_reaches_the_end(screen: ScreeningEvaluator, trained: State) -> None:
    seen: list[int] = []
    screen.correct(trained, TEST.images, TEST.labels, seen.append)
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[-1] == len(TEST)


def test_progress_may_stop_it_anywhere(screen: ScreeningEvaluator, trained: State) -> None:
    class StopError(Exception):
        pass

    for allowed in range(3):
        seen: list[int] = []

        def stop(done: int, seen: list[int] = seen, allowed: int = allowed) -> None:
            seen.append(done)
            if len(seen) > allowed:
                raise StopError

        with pytest.raises(StopError):
            screen.correct(trained, TEST.images, TEST.labels, stop)


def test_wrong_inputs_are_refused_as_the_evaluator_refuses_them(screen: ScreeningEvaluator, trained: State) -> None:
    other = State.initial(build_model("resnet18-7x7"), 1)
    images, labels = TEST.images, TEST.labels
    for count in (8, len(TEST)):
        for bad in (
            (other, images[:count], labels[:count]),
            (trained, images[:count, :31], labels[:count]),
            (trained, images[:count].reshape(count, -1), labels[:count]),
            (trained, images[:count], labels[: count - 1]),
            (trained, images[:count], labels[:count, None]),
        ):
            with pytest.raises(InputError):
                screen.correct(*bad)


def test_margins_and_deviations_are_relative_to_the_greatest_logit() -> None:
    logits = np.array([[1, -4, 3, 0], [2, 2, 1, 0], [0, 0, 0, 0]], np.float32)
    assert relative_margins(logits).tolist() == [0.5, 0, 0]
    exact = logits.copy()
    exact[0, 3] += 1
    assert relative_deviations(logits, exact).tolist() == [0.25, 0, 0]
    exact[2, 1] = 1e-30
    assert relative_deviations(logits, exact)[2] == np.inf
