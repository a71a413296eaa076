"""Eligible weights, from layer geometry."""

from __future__ import annotations

from math import prod

import pytest

from pol_oracle.canonical.eligible import eligible_weights, live_ranges
from pol_oracle.canonical.layers.graph import Geometry, live_taps
from pol_oracle.canonical.models import MODEL_NAMES, build_model
from pol_oracle.protocol.eligible import EligibleRange
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


def test_one_pixel_has_a_live_centre_tap_only() -> None:
    geometry = Geometry("w", height=1, width=1, kernel=3, stride=1, padding=1)
    (found,) = live_ranges(7, (512, 3, 3, 256), geometry)
    assert found == EligibleRange(7, start=4 * 256, run=256, stride=9 * 256, repeats=512)


def test_a_strided_layer_over_two_pixels_has_four_live_taps() -> None:
    found = live_ranges(0, (512, 3, 3, 256), Geometry("w", height=2, width=2, kernel=3, stride=2, padding=1))
    assert [(r.start // 256, r.run // 256) for r in found] == [(4, 2), (7, 2)]


@pytest.mark.parametrize(
    ("name", "last"),
    [("resnet18", "layer3.1.conv2.weight"), ("resnet18-7x7", "layer2.1.conv2.weight"), ("cnn", "conv3.weight")],
)
def test_layers_with_small_maps_are_left_out(name: str, last: str) -> None:
    """Their channels are often shut for a whole batch, and a weight that stays fails."""
    model = build_model(name)
    named = {model.state[r.tensor].name for r in eligible_weights(model, HARDENED).ranges}
    convolutions = [g.weight for g in model.geometries]
    assert named == set(convolutions[: convolutions.index(last) + 1])


def test_the_small_models_have_no_dead_taps() -> None:
    model = build_model("cnn")
    eligible = eligible_weights(model, HARDENED)
    assert eligible.count == 432 + 4608 + 18432
    assert len(eligible.ranges) == 3
