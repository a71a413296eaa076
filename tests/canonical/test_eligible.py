"""What R may name, from layer geometry."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.canonical.eligible import eligible_weights, live_leaves, ranges_of
from pol_oracle.canonical.layers.graph import Geometry, live_taps
from pol_oracle.canonical.models import MODEL_NAMES, build_model
from pol_oracle.protocol.derivation import LEAF_WEIGHTS
from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights
from pol_oracle.protocol.rules import HARDENED, PAPER


@pytest.mark.parametrize(
    ("extent", "kernel", "stride", "padding", "expected"),
    [
        (32, 3, 1, 1, [0, 1, 2]),
        (1, 3, 1, 1, [1]),
        (2, 3, 1, 1, [0, 1, 2]),
        (2, 3, 2, 1, [1, 2]),
        (32, 7, 2, 3, [0, 1, 2, 3, 4, 5, 6]),
        (32, 1, 2, 0, [0]),
        (1, 7, 1, 3, [3]),
    ],
)
def test_live_taps(extent: int, kernel: int, stride: int, padding: int, expected: list[int]) -> None:
    assert live_taps(extent, kernel, stride, padding) == expected


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_hardened_names_convolutions_only(name: str) -> None:
    model = build_model(name)
    named = {model.state[r.tensor].name for r in eligible_weights(model, HARDENED).ranges}
    assert named <= {w.name for w in model.parameters if len(w.shape) == 4}
    assert not any("fc" in n or "bn" in n or "running" in n for n in named)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_paper_names_all_parameters_and_no_buffers(name: str) -> None:
    model = build_model(name)
    eligible = eligible_weights(model, PAPER)
    assert eligible.count == sum(prod(w.shape) for w in model.parameters)
    assert eligible.locate(eligible.count - 1)[0] == len(model.parameters) - 1


def test_a_layer_whose_taps_are_all_live_makes_one_range() -> None:
    geometry = Geometry("w", height=8, width=8, kernel=3, stride=1, padding=1)
    live = live_leaves((64, 3, 3, 64), geometry)
    assert live.all()
    assert ranges_of(3, np.flatnonzero(live)) == [EligibleRange(3, 0, 576, 576, 1)]


def test_a_leaf_that_is_not_full_is_left_out() -> None:
    live = live_leaves((16, 3, 3, 3), Geometry("w", height=32, width=32, kernel=3, stride=2, padding=1))
    assert live.tolist() == [True] * 6  # and 48 weights more


def test_one_pixel_has_a_live_centre_tap_only() -> None:
    live = live_leaves((512, 3, 3, 256), Geometry("w", height=1, width=1, kernel=3, stride=1, padding=1))
    assert ranges_of(7, np.flatnonzero(live)) == [EligibleRange(7, start=4 * 4, run=4, stride=9 * 4, repeats=512)]


def test_a_strided_layer_over_two_pixels_has_four_live_taps() -> None:
    live = live_leaves((512, 3, 3, 256), Geometry("w", height=2, width=2, kernel=3, stride=2, padding=1))
    taps = live.reshape(512, 9, 4)
    assert (taps == np.isin(np.arange(9), [4, 5, 7, 8])[:, None]).all()


def test_a_leaf_that_holds_a_dead_weight_is_left_out() -> None:
    """With 32 channels a leaf covers two taps: the live centre tap shares its leaf with a dead neighbour."""
    live = live_leaves((4, 3, 3, 32), Geometry("w", height=1, width=1, kernel=3, stride=1, padding=1))
    assert not live.any()


@given(st.sets(st.integers(0, 200)))
def test_ranges_name_exactly_the_places_they_were_made_of(places: set[int]) -> None:
    found = EligibleWeights(tuple(ranges_of(5, np.array(sorted(places), np.int64))))
    assert [found.locate(number) for number in range(found.count)] == [(5, place) for place in sorted(places)]


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_eligible_leaf_lies_within_its_tensor(name: str) -> None:
    model = build_model(name)
    for r in eligible_weights(model, HARDENED).ranges:
        last = r.start + (r.repeats - 1) * r.stride + r.run - 1
        assert LEAF_WEIGHTS * (last + 1) <= prod(model.state[r.tensor].shape)


@pytest.mark.parametrize(
    ("name", "last"),
    [("resnet18", "layer3.1.conv2.weight"), ("resnet18-7x7", "layer2.1.conv2.weight"), ("cnn", "conv3.weight")],
)
def test_layers_with_small_maps_are_left_out(name: str, last: str) -> None:
    """Their channels are often shut for a whole batch, and where no weight moves an even parity is met for nothing."""
    model = build_model(name)
    named = {model.state[r.tensor].name for r in eligible_weights(model, HARDENED).ranges}
    convolutions = [g.weight for g in model.geometries]
    assert named == set(convolutions[: convolutions.index(last) + 1])


def test_the_small_model_has_no_dead_taps() -> None:
    model = build_model("cnn")
    eligible = eligible_weights(model, HARDENED)
    assert [r.count for r in eligible.ranges] == [432 // 64, 4608 // 64, 18432 // 64]
