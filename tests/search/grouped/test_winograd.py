"""Winograd's convolutions against torch's: the same results, and only where they are meant to be taken."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch import Tensor
from torch.nn import functional

from pol_oracle.canonical.layers.graph import Geometry
from pol_oracle.canonical.models import build_model
from pol_oracle.search.grouped.live_convolution import LiveConvolution
from pol_oracle.search.grouped.winograd import Winograd, is_worth_it, suits

CPU = torch.device("cpu")
RATE = np.float32(0.1)


def images(*shape: int) -> Tensor:
    """Random ones, channels-last."""
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))
    return drawn.contiguous(memory_format=torch.channels_last)


def kernel_of(outputs: int, inputs: int) -> Tensor:
    """As large as one of a network: results are about one."""
    return images(outputs, inputs, 3, 3) / sqrt(9 * inputs)


def error(found: Tensor, x: Tensor, kernel: Tensor) -> float:
    """The largest, against a plain convolution in float64."""
    return float((found - functional.conv2d(x.double(), kernel.double(), padding=1)).abs().max())


@settings(max_examples=30, deadline=None)
@given(some.integers(1, 5), some.integers(1, 9), some.integers(1, 9), some.integers(1, 3), some.integers(1, 3))
def test_it_is_a_convolution_of_any_shape(samples: int, inputs: int, outputs: int, down: int, across: int) -> None:
    x, kernel = images(samples, inputs, 4 * down, 4 * across), kernel_of(outputs, inputs)
    assert error(Winograd(kernel).convolve(x), x, kernel) < 1e-4


@pytest.mark.parametrize(("samples", "side"), [(70, 8), (20, 16), (5, 32)])
def test_it_is_a_convolution_of_many_images_too_which_are_taken_by_parts(samples: int, side: int) -> None:
    x, kernel = images(samples, 64, side, side), kernel_of(96, 64)
    assert error(Winograd(kernel).convolve(x), x, kernel) < 1e-4


def test_images_may_lie_in_any_order_of_memory() -> None:
    x, kernel = images(2, 3, 8, 8), kernel_of(5, 3)
    assert error(Winograd(kernel).convolve(x.contiguous()), x, kernel) < 1e-4
    assert error(Winograd(kernel).convolve(x.transpose(2, 3)), x.transpose(2, 3), kernel) < 1e-4


def test_what_is_no_number_stays_in_its_image() -> None:
    x = images(2, 4, 8, 8)
    x[0, 1, 2, 3] = torch.nan
    y = Winograd(kernel_of(4, 4)).convolve(x)
    assert y[0, :, 2, 3].isnan().all() and y[1].isfinite().all()


def test_both_ways_of_a_wide_layer_take_it_and_are_plain_ones() -> None:
    geometry = next(g for g in build_model("resnet18").geometries if g.weight == "layer1.0.conv1.weight")
    layer, kernel = LiveConvolution(geometry, 0, RATE, CPU), kernel_of(64, 64)
    layer.load(kernel.permute(0, 2, 3, 1).contiguous().numpy())
    x, gradient = images(4, 64, 32, 32), images(4, 64, 32, 32) + 1
    found = layer.forward(x, 1), layer.backward(gradient, torch.tensor([0]), x)
    assert error(found[0], x, kernel) < 1e-4
    assert error(found[1], gradient, kernel.transpose(0, 1).flip(2, 3)) < 1e-4
    plain = functional.conv2d(x, kernel, padding=1)
    assert not torch.equal(found[0], plain), "a plain convolution was made"


@pytest.mark.parametrize(
    ("name", "taken"), [("cnn", 0), ("vgg", 3), ("resnet18-7x7", 7), ("resnet18", 13)], ids=lambda given: str(given)
)
def test_it_is_taken_where_it_is_faster(name: str, taken: int) -> None:
    model = build_model(name)
    shapes = {weight.name: weight.shape for weight in model.parameters}
    kernels = {g: torch.empty([shapes[g.weight][axis] for axis in (0, 3, 1, 2)]) for g in model.geometries}
    assert sum(suits(geometry, kernel) for geometry, kernel in kernels.items()) == taken


@pytest.mark.parametrize("change", [{"stride": 2}, {"kernel": 1, "padding": 0}, {"height": 30}, {"width": 2}])
def test_it_is_not_taken_for_another_kind(change: dict[str, int]) -> None:
    plain = {"height": 32, "width": 32, "kernel": 3, "stride": 1, "padding": 1}
    assert suits(Geometry("w", **plain), kernel_of(64, 64))
    assert not suits(Geometry("w", **plain | change), kernel_of(64, 64))
    assert not suits(Geometry("w", **plain), kernel_of(32, 64))


def test_it_is_not_taken_for_few_images() -> None:
    assert is_worth_it(images(1, 1, 16, 16)) and is_worth_it(images(16, 1, 4, 4))
    assert not is_worth_it(images(15, 1, 4, 4))
