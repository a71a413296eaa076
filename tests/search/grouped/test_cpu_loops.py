"""The compiled loops, and the layers made of them: on a CPU they give what torch's operations give, however many
threads take part."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, fx, nn
from torch.nn import functional

from pol_oracle.canonical.models import MODEL_NAMES, build_model
from pol_oracle.protocol.derivation import LEAF_WEIGHTS
from pol_oracle.search.grouped.cpu_loops import use_threads
from pol_oracle.search.grouped.group_norm import GroupNorm
from pol_oracle.search.grouped.live_convolution import LiveConvolution
from pol_oracle.search.grouped.network import GroupedNetwork, _rectified

S, CPU, RATE = 3, torch.device("cpu"), np.float32(0.05)


@pytest.fixture
def threads() -> Iterator[None]:
    """Lets a test change how many threads there are."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    use_threads(before)


def images(groups: int, channels: int, height: int, width: int) -> Tensor:
    numbers = torch.Generator().manual_seed(channels)
    x = torch.randn(S * groups, channels, height, width, generator=numbers)
    return (3 * x + 1).to(memory_format=torch.channels_last)


def norm_of(channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels)
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(-1, 2, channels))
        norm.bias.copy_(torch.linspace(0.3, -0.3, channels))
    return norm


def near(ours: Tensor, theirs: Tensor) -> bool:
    return bool(torch.linalg.vector_norm(ours - theirs) <= 1e-4 * (1e-2 + torch.linalg.vector_norm(theirs)))


@settings(max_examples=40)
@given(
    groups=st.integers(1, 5),
    channels=st.integers(1, 40),
    height=st.integers(1, 9),
    width=st.integers(2, 9),
    rectify=st.booleans(),
)
def test_batch_norm_is_that_of_each_group_alone(
    groups: int, channels: int, height: int, width: int, rectify: bool
) -> None:
    x, norm = images(groups, channels, height, width), norm_of(channels)
    ours, chosen = GroupNorm(norm, rectify=rectify), torch.arange(groups)[groups // 2 :]
    y = ours.forward(x, groups)
    gradient = torch.cos(torch.arange(y[: S * len(chosen)].numel())).view(-1, *y.shape[1:])
    made = ours.backward(gradient, chosen, x)
    for place, group in enumerate(range(groups)):
        own = slice(S * group, S * group + S)
        leaf = x[own].double().requires_grad_()
        expected = functional.batch_norm(leaf, None, None, norm.weight.double(), norm.bias.double(), training=True)
        expected = expected.relu() if rectify else expected
        assert near(y[own], expected.detach().float())
        if group in chosen.tolist():
            place = group - groups // 2
            change = gradient[S * place : S * place + S]
            (theirs,) = torch.autograd.grad(expected, leaf, change.double())
            assert near(made[S * place : S * place + S], theirs.float())


def test_threads_change_no_bit(threads: None) -> None:
    x, results = images(5, 16, 8, 8), []
    for count in (1, 2, 7):
        use_threads(count)
        norm = GroupNorm(norm_of(16), rectify=True)
        y = norm.forward(x, 5)
        results.append((y, norm.backward(torch.cos(x), torch.arange(5), x)))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


CROWD = """
from concurrent.futures import ThreadPoolExecutor
import torch
from pol_oracle.search.grouped.group_norm import GroupNorm
norm = torch.nn.BatchNorm2d(8)
x = torch.randn(4, 8, 16, 16)
with ThreadPoolExecutor(4) as threads:
    results = list(threads.map(lambda _: GroupNorm(norm, rectify=False).forward(x, 1), range(50)))
print(all(torch.equal(results[0], other) for other in results))
"""


def test_several_threads_may_call_at_once_without_openmp() -> None:
    """Numba's own pool would end the process."""
    environment = os.environ | {"NUMBA_THREADING_LAYER": "workqueue"}
    ran = subprocess.run([sys.executable, "-c", CROWD], env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout == "True\n", ran.stderr


def test_what_is_no_number_stays_none() -> None:
    x = images(2, 4, 4, 4)
    x[0, 1, 2, 3] = torch.nan
    norm = GroupNorm(norm_of(4), rectify=True)
    y = norm.forward(x, 2)
    gradient = norm.backward(torch.ones_like(x), torch.arange(2), x)
    assert y[:S, 1].isnan().all() and gradient[:S, 1].isnan().all()
    assert y[S:, 1].isfinite().all() and y[:, 2:].isfinite().all()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_convolutions_and_rises_are_torchs(name: str) -> None:
    """Of every geometry: the result, the gradient at the input of two groups, and each weight's direction alone."""
    model, groups, chosen, numbers = build_model(name), 3, torch.tensor([0, 2]), np.random.default_rng(1)
    for geometry in model.geometries:
        shape = (5, geometry.kernel, geometry.kernel, 6)
        layer = LiveConvolution(geometry, 0, RATE, CPU)
        kernel = numbers.standard_normal(shape, np.float32)
        layer.load(kernel)
        x = images(groups, 6, geometry.height, geometry.width)
        y = layer.forward(x, groups)
        gradient = torch.from_numpy(numbers.standard_normal((2 * S, *y.shape[1:]), np.float32))
        gradient = gradient.to(memory_format=torch.channels_last)

        leaf = x.double().requires_grad_()
        weight = torch.from_numpy(kernel).double().permute(0, 3, 1, 2).requires_grad_()
        whole = functional.conv2d(leaf, weight, stride=geometry.stride, padding=geometry.padding)
        assert near(y, whole.detach().float())
        places = (S * chosen[:, None] + torch.arange(S)).flatten()
        (at_input,) = torch.autograd.grad(whole[places], leaf, gradient.double(), retain_graph=True)
        assert near(layer.backward(gradient, chosen, x), at_input[places].float())

        (slope,) = torch.autograd.grad(whole[places[S:]], weight, gradient[S:].double())
        rises = (slope.permute(0, 2, 3, 1).flatten() < 0).numpy()
        elements = numbers.integers(0, kernel.size, 50)
        asked = np.stack([np.full(50, 2), np.full(50, 1), elements // LEAF_WEIGHTS], axis=1)
        found = layer.count_rises(x, groups, gradient, 2, asked, np.uint64(1) << (elements % LEAF_WEIGHTS).astype("u8"))
        assert (found != rises[elements]).sum() <= 1
        masks = np.full(50, 2**64 - 1, np.uint64)
        counts = [rises[leaf * LEAF_WEIGHTS : (leaf + 1) * LEAF_WEIGHTS].sum() for leaf in asked[:, 2]]
        assert np.abs(layer.count_rises(x, groups, gradient, 2, asked, masks) - counts).max() <= 1


def test_a_weight_that_is_not_finite_after_the_step_fails_its_leaf() -> None:
    geometry = build_model("cnn").geometries[0]
    layer = LiveConvolution(geometry, 0, RATE, CPU)
    layer.load(np.zeros((64, 3, 3, 3), np.float32))
    x = images(1, 3, 32, 32)
    gradient = torch.zeros(S, 64, 16, 16).to(memory_format=torch.channels_last)
    gradient[0, 63, 3, 3] = torch.inf
    asked = np.array([[0, 0, 0], [0, 0, 26]])
    assert layer.count_rises(x, 1, gradient, 1, asked, np.array([1, 2**63], np.uint64)).tolist() == [0, -1]


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_every_batch_norm_but_those_before_a_sum_rectifies(name: str) -> None:
    network = GroupedNetwork(build_model(name), CPU, 4, RATE)
    norms = [step.layer for step in network._steps if isinstance(step.layer, GroupNorm)]
    plain = sum(not norm._rectify for norm in norms)
    assert plain == (8 + 3 if name.startswith("resnet") else 0)


def test_a_rectifier_is_not_folded_where_something_else_takes_what_it_rectifies() -> None:
    class Forked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(4)

        def forward(self, x: Tensor) -> Tensor:
            y = self.norm(x)
            rectified: Tensor = functional.relu(y) + y
            return rectified

    module = Forked()
    graph = fx.Tracer().trace(module)
    assert not _rectified(module, graph)
    assert any(node.target is functional.relu for node in graph.nodes)
