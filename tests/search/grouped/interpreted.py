"""Run by test_kernels.py with TRITON_INTERPRET=1: our kernels on a CPU, by Triton's interpreter, against torch and the
compiled loops. Ends with an error if one is wrong."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from pol_oracle.search.grouped import cpu_loops, gpu_loops

S, G = 4, 3
RATE = np.float32(0.05)


def check(what: str, ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4), f"{what} is off by {(ours - theirs).abs().max().item()}"


def norms() -> None:
    """Channels that fill no program, with and without a rectifier; the way back for some groups only."""
    torch.manual_seed(1)
    chosen = torch.tensor([0, 2])
    for channels, rectify in ((10, False), (10, True), (70, True)):
        rows = torch.randn(G, S * 9, channels) * 2 + 3
        weight, bias, change = torch.rand(channels) + 0.5, torch.randn(channels), torch.randn(2, S * 9, channels)
        y, statistics = gpu_loops.normalise(rows, weight, bias, 1e-5, rectify)
        made = gpu_loops.normalise_back(change, rows, chosen, weight, bias, statistics, rectify)
        leaf = rows.double().requires_grad_()
        normal = [functional.batch_norm(r, None, None, weight.double(), bias.double(), training=True) for r in leaf]
        expected = torch.stack([n.relu() if rectify else n for n in normal])
        (gradient,) = torch.autograd.grad(expected[chosen], leaf, change.double())
        check("a batch norm", y, expected.float())
        check("its gradient", made, gradient[chosen].float())


def rises() -> None:
    """Kernels whose leaves are parts of a tap, and others whose leaves hold many; numbers that are none."""
    numbers = np.random.default_rng(2)
    for channels, size, stride, padding in ((128, 3, 1, 1), (16, 3, 2, 1), (3, 7, 2, 3), (64, 1, 2, 0)):
        side = (8 + 2 * padding - size) // stride + 1
        x = numbers.standard_normal((G, S, 8, 8, channels), np.float32)
        gradient = numbers.standard_normal((2, S, side, side, 6), np.float32)
        gradient[1, 0, 0, 0, 5] = np.inf
        kernel = numbers.standard_normal((6, size, size, channels), np.float32)
        leaves = numbers.integers(0, -(-kernel.size // 64), 12)
        asked = np.stack([np.arange(12) % 2 * 2, np.arange(12) % 2, leaves], axis=1)
        masks = numbers.integers(0, 2**64, 12, np.uint64)
        expected = np.empty(12, np.int64)
        cpu_loops.count_rises(x, gradient, kernel, asked, masks, RATE, stride, padding, expected)
        tensors = [torch.from_numpy(array) for array in (x, gradient, kernel, asked, masks.view(np.int64))]
        found = gpu_loops.count_rises(*tensors, float(RATE), stride, padding)  # type: ignore[arg-type, call-arg]
        assert found.tolist() == expected.tolist(), f"{channels} channels: {found.tolist()}, not {expected.tolist()}"


norms()
rises()
