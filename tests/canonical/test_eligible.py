"""Eligible weights, from layer geometry."""

from __future__ import annotations

from math import prod

import pytest

from pol_oracle.canonical.eligible import eligible_weights
from pol_oracle.canonical.layers.graph import live_taps
from pol_oracle.canonical.models import MODEL_NAMES, build_model
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
    assert named == {w.name for w in model.parameters if len(w.shape) == 4}
    assert not any("fc" in n or "bn" in n or "running" in n for n in named)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_paper_names_all_parameters_and_no_buffers(name: str) -> None:
    model = build_model(name)
    eligible = eligible_weights(model, PAPER)
    assert eligible.count == sum(prod(w.shape) for w in model.parameters)
    assert eligible.locate(eligible.count - 1)[0] == len(model.parameters) - 1


def test_layer_4_at_one_pixel_has_centre_taps_only() -> None:
    model = build_model("resnet18-7x7")
    ranges = {model.state[r.tensor].name: r for r in eligible_weights(model, HARDENED).ranges}
    for name in ("layer4.0.conv2.weight", "layer4.1.conv1.weight", "layer4.1.conv2.weight"):
        r = ranges[name]
        assert (r.start, r.run, r.stride, r.repeats) == (4 * 512, 512, 9 * 512, 512)


def test_a_strided_layer_of_two_pixels_has_four_live_taps() -> None:
    model = build_model("resnet18-7x7")
    number = [w.name for w in model.parameters].index("layer4.0.conv1.weight")
    found = [(r.start // 256, r.run // 256) for r in eligible_weights(model, HARDENED).ranges if r.tensor == number]
    assert found == [(4, 2), (7, 2)]


def test_most_weights_of_torchvisions_resnet_are_dead_at_this_size() -> None:
    model = build_model("resnet18-7x7")
    dead = 1 - eligible_weights(model, HARDENED).count / sum(prod(w.shape) for w in model.parameters)
    assert 0.60 < dead < 0.64


def test_the_small_models_have_no_dead_taps() -> None:
    model = build_model("cnn")
    eligible = eligible_weights(model, HARDENED)
    assert eligible.count == 432 + 4608 + 18432
    assert len(eligible.ranges) == 3
