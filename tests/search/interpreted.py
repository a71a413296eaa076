"""Run by test_kernels.py with TRITON_INTERPRET=1: our kernels on a CPU, by Triton's interpreter, against torch and the
canonical trees. Ends with an error if one is wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from pol_oracle.canonical.trees import counted_root, tensor_root
from pol_oracle.search import gpu_loops
from pol_oracle.search.gpu_roots import GpuRoots
from pol_oracle.search.live_convolution import LiveConv2d, Wanted

S, G = 4, 3
NUMBER = 7


def check(what: str, ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4), f"{what} is off by {(ours - theirs).abs().max().item()}"


def roots() -> None:
    """Sizes with whole leaves and broken ones, one leaf and several levels."""
    sizes = (1, 64, 65, 260, 64 * 5 + 7)
    model: Any = SimpleNamespace(state=[SimpleNamespace(shape=(size,)) for size in sizes])
    flat = np.random.default_rng(1).standard_normal(sum(sizes)).astype(np.float32)
    hashes = GpuRoots(model, torch.device("cpu"))
    tops = hashes._hash(torch.from_numpy(flat)).numpy()
    for size, top, end in zip(sizes, tops, np.cumsum(sizes), strict=False):
        assert counted_root(size, top.tobytes()) == tensor_root(flat[end - size : end]), f"the root of {size} floats"
    assert tops[-1][0]
    flat[3] = np.nan
    assert not hashes._hash(torch.from_numpy(flat)).numpy()[-1][0]


def norms() -> None:
    """Channels that fill no program, with and without a rectifier."""
    torch.manual_seed(1)
    for channels, rectify in ((10, False), (10, True), (70, True)):
        rows = torch.randn(S, G, 9, channels) * 2 + 3
        weight, bias, change = torch.rand(channels) + 0.5, torch.randn(channels), torch.randn_like(rows)
        y, statistics = gpu_loops.normalise(rows, weight, bias, 1e-5, rectify)
        made, own = gpu_loops.normalise_back(change, rows, weight, bias, statistics, rectify)
        leaves = [t.double().requires_grad_() for t in (rows, weight, bias)]
        groups = []
        for g in range(G):
            flat = leaves[0][:, g].reshape(-1, channels)
            normal = functional.batch_norm(flat, None, None, leaves[1], leaves[2], training=True)
            groups.append((normal.relu() if rectify else normal).view(S, 9, channels))
        expected = torch.stack(groups, 1)
        gradients = torch.autograd.grad(expected, leaves, change.double())
        check("a batch norm", y, expected.float())
        for what, ours, theirs in zip("xwb", (made, *own.sum(1)), gradients, strict=True):
            check(f"its gradient at {what}", ours, theirs.float())


def slopes() -> None:
    """Among what is asked of another convolution."""
    geometry: Any = SimpleNamespace(
        live_rows=(0, 2), live_columns=(0, 2), stride=2, padding=1, width=8, height=8, kernel=3
    )
    layer = LiveConv2d(nn.Conv2d(5, 6, 3, stride=2, padding=1, bias=False), geometry)
    layer.groups, layer.number = G, NUMBER
    x, gradient = torch.randn(S * G, 8, 8, 5), torch.randn(S * G, 4, 4, 6)
    kernel = layer.weight.detach().permute(0, 2, 3, 1).contiguous()
    places = np.random.default_rng(2).integers(0, [6, 3, 3, 5], (20, 4))
    slots = np.arange(20)
    numbers = np.where(slots % 3, NUMBER, 0)
    asked = torch.from_numpy(np.column_stack((slots, slots % G, places, numbers)))
    ours, theirs = torch.zeros(3, 20), torch.zeros(3, 20)
    layer._look_by_kernel(Wanted(ours, asked), x, gradient, kernel)
    layer._look_by_places(Wanted(theirs, asked[asked[:, 6] == NUMBER]), x, gradient, kernel)
    check("a slope", ours, theirs)


roots()
norms()
slopes()
