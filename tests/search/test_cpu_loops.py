"""The compiled loops: on a CPU they give what torch's operations give, however many threads take part."""

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
from torch import Tensor, nn
from torch.nn import functional

from pol_oracle.canonical.models import MODEL_NAMES, build_model
from pol_oracle.canonical.state import State
from pol_oracle.search import build_module, load_state
from pol_oracle.search.cpu_loops import use_threads
from pol_oracle.search.group_norm import GroupNorm2d, _Anywhere, _OnCpu
from pol_oracle.search.grouped_network import GroupedNetwork, _rectified
from pol_oracle.search.live_convolution import LiveConv2d, Wanted

S, CHANNELS = 3, 4


@pytest.fixture
def threads() -> Iterator[None]:
    """Lets a test change how many threads there are."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    use_threads(before)


def normalised(function: type[torch.autograd.Function], x: Tensor, groups: int, rectify: bool) -> list[Tensor]:
    """Result, moments, and the gradients of some loss at input, weight and bias."""
    channels = x.shape[1]
    x = x.clone().requires_grad_()
    weight = torch.linspace(-1, 2, channels).requires_grad_()
    bias = torch.linspace(0.3, -0.3, channels).requires_grad_()
    y, moments = function.apply(x, weight, bias, groups, 1e-5, rectify)  # type: ignore[no-untyped-call]
    loss = (y * torch.linspace(-1, 3, y.numel()).view(y.shape)).sum()
    return [y.detach(), moments, *torch.autograd.grad(loss, (x, weight, bias))]


def images(groups: int, channels: int, height: int, width: int) -> Tensor:
    numbers = torch.Generator().manual_seed(channels)
    x = torch.randn(S * groups, channels, height, width, generator=numbers)
    return (3 * x + 1).to(memory_format=torch.channels_last)


@settings(max_examples=40, deadline=None)
@given(
    groups=st.integers(1, 5),
    channels=st.integers(1, 40),
    height=st.integers(1, 9),
    width=st.integers(2, 9),
    rectify=st.booleans(),
)
def test_batch_norm_is_that_of_torchs_operations(
    groups: int, channels: int, height: int, width: int, rectify: bool
) -> None:
    x = images(groups, channels, height, width)
    for ours, theirs in zip(
        normalised(_OnCpu, x, groups, rectify), normalised(_Anywhere, x, groups, rectify), strict=True
    ):
        assert ours.shape == theirs.shape
        assert torch.linalg.vector_norm(ours - theirs) <= 1e-4 * (1e-2 + torch.linalg.vector_norm(theirs))


def test_a_group_is_a_batch_of_its_own() -> None:
    x = images(4, 8, 6, 6)
    norm = GroupNorm2d(nn.BatchNorm2d(8))
    norm.groups = 4
    y = norm(x)
    for group in range(4):
        alone = functional.batch_norm(x[group::4], None, None, training=True)
        torch.testing.assert_close(y[group::4], alone, rtol=1e-5, atol=1e-5)


def test_threads_change_no_bit(threads: None) -> None:
    x = images(5, 16, 8, 8)
    results = []
    for count in (1, 2, 7):
        torch.set_num_threads(count)
        use_threads(count)
        results.append(normalised(_OnCpu, x, 5, True))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


CROWD = """
from concurrent.futures import ThreadPoolExecutor
import torch
from pol_oracle.search.group_norm import GroupNorm2d
norm = GroupNorm2d(torch.nn.BatchNorm2d(8))
norm.learn = False
x = torch.randn(4, 8, 16, 16)
with ThreadPoolExecutor(4) as threads:
    results = list(threads.map(lambda _: norm(x), range(50)))
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
    for function in (_OnCpu, _Anywhere):
        y, _, gradient, *_ = normalised(function, x, 2, True)
        assert y[0::2, 1].isnan().all() and gradient[0::2, 1].isnan().all()
        assert y[1::2].isfinite().all() and y[0::2, 2:].isfinite().all()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_slopes_are_those_of_torchs_operations(name: str) -> None:
    groups, numbers = 5, np.random.default_rng(1)
    for geometry in build_model(name).geometries:
        conv = nn.Conv2d(CHANNELS, 6, geometry.kernel, geometry.stride, geometry.padding, bias=False)
        live = LiveConv2d(conv, geometry).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        live.groups = groups
        x = torch.randn(S * groups, CHANNELS, geometry.height, geometry.width)
        found = []
        (top, bottom), (left, right) = geometry.live_rows, geometry.live_columns
        bounds = ((0, 40), (0, groups), (0, 6), (top, bottom + 1), (left, right + 1), (0, CHANNELS))
        asked = np.stack([numbers.integers(*b, 40) for b in bounds], axis=1)
        asked[:, 0] = np.arange(40)
        for look in (live._look_in_loops, live._look_by_places):
            wanted = Wanted(torch.zeros(3, 40), torch.from_numpy(np.pad(asked, ((0, 0), (0, 1)))))
            y = live(x)
            gradient = torch.cos(torch.arange(y.numel(), dtype=torch.float32)).view(y.shape)
            look(wanted, *(t.detach().permute(0, 2, 3, 1).contiguous() for t in (x, gradient, live.weight)))
            found.append(wanted.answers)
        torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-4)
        assert torch.equal(found[0][0], found[1][0]) and found[0][0].count_nonzero() > 30


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_folded_rectifiers_leave_the_network_as_it_was(name: str) -> None:
    model = build_model(name)
    state = State.initial(model, 1)
    network, twin = GroupedNetwork(model, torch.device("cpu"), 4), build_module(model).train()
    network.load(state)
    load_state(twin, state)
    norms = [m for m in network.module.modules() if isinstance(m, GroupNorm2d)]
    assert any(norm.rectify for norm in norms)
    images = torch.randn(4, 3, 32, 32)
    torch.testing.assert_close(network.module(images), twin(images), rtol=1e-3, atol=1e-4)


def test_a_rectifier_is_not_folded_where_something_else_takes_what_it_rectifies() -> None:
    class Forked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = GroupNorm2d(nn.BatchNorm2d(4))

        def forward(self, x: Tensor) -> Tensor:
            y = self.norm(x)
            rectified: Tensor = functional.relu(y) + y
            return rectified

    module = Forked()
    folded, x = _rectified(module), images(1, 4, 3, 3)
    assert not module.norm.rectify
    torch.testing.assert_close(folded(x), module(x))
