# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, misc"
"""What a GPU does many times faster in kernels of our own than with torch's operations.

The counterpart of cpu_loops.py, in Triton, which comes with torch's CUDA builds.

Batch norm by groups is five to ten passes over the memory with torch's operations. Here each program does some channels
of one group: it reads them twice and writes them once. Slopes at the weights of a leaf would take some 25 operations
for each layer; here they take one, a program for each leaf that is asked.
"""

# no "from __future__ import annotations": Triton reads the annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from pol_oracle.protocol.derivation import LEAF_WEIGHTS

_TILE = 4096  # numbers that a program holds at once
_MOST_CHANNELS = 64  # of a program: 128 bytes and more lie next to each other


@triton.jit
def _places(start, group, pixels, channels, tile: tl.constexpr, lanes: tl.constexpr):
    """Offsets of some pixels' channels of a group, [tile, lanes], and which of them exist."""
    row = start + tl.arange(0, tile)
    channel = tl.program_id(1) * lanes + tl.arange(0, lanes)
    place = (group.to(tl.int64) * pixels + row)[:, None] * channels + channel[None, :]
    return place, (row < pixels)[:, None] & (channel < channels)[None, :]


@triton.jit
def _normalise(
    x, weight, bias, y, statistics, groups, pixels, channels, eps,
    rectify: tl.constexpr, tile: tl.constexpr, lanes: tl.constexpr,
):  # fmt: skip
    group = tl.program_id(0)
    channel = tl.program_id(1) * lanes + tl.arange(0, lanes)
    known = channel < channels
    # sums are taken of the differences from the first pixel: squares of numbers far from 0 would cancel
    pivot = tl.load(x + group.to(tl.int64) * pixels * channels + channel, mask=known, other=0.0)
    total = tl.zeros((lanes,), tl.float32)
    squares = tl.zeros((lanes,), tl.float32)
    for start in range(0, pixels, tile):
        at, exists = _places(start, group, pixels, channels, tile, lanes)
        apart = tl.where(exists, tl.load(x + at, mask=exists, other=0.0) - pivot[None, :], 0.0)
        total += tl.sum(apart, 0)
        squares += tl.sum(apart * apart, 0)
    shift = total / pixels
    mean = pivot + shift
    variance = tl.maximum(squares / pixels - shift * shift, 0.0)
    inverse = 1.0 / tl.sqrt(variance + eps)
    out = group * channels + channel
    tl.store(statistics + out, mean, mask=known)
    tl.store(statistics + groups * channels + out, inverse, mask=known)
    scale = tl.load(weight + channel, mask=known, other=0.0) * inverse
    offset = tl.load(bias + channel, mask=known, other=0.0)
    for start in range(0, pixels, tile):
        at, exists = _places(start, group, pixels, channels, tile, lanes)
        value = (tl.load(x + at, mask=exists, other=0.0) - mean[None, :]) * scale[None, :] + offset[None, :]
        if rectify:
            value = tl.maximum(value, 0.0)
        tl.store(y + at, value, mask=exists)


@triton.jit
def _normalise_back(
    gradient, x, chosen, weight, bias, statistics, made, groups, pixels, channels,
    rectify: tl.constexpr, tile: tl.constexpr, lanes: tl.constexpr,
):  # fmt: skip
    place = tl.program_id(0)
    group = tl.load(chosen + place)
    channel = tl.program_id(1) * lanes + tl.arange(0, lanes)
    known = channel < channels
    own = group * channels + channel
    mean = tl.load(statistics + own, mask=known, other=0.0)
    inverse = tl.load(statistics + groups * channels + own, mask=known, other=0.0)
    scale = tl.load(weight + channel, mask=known, other=0.0) * inverse
    offset = tl.load(bias + channel, mask=known, other=0.0)
    total = tl.zeros((lanes,), tl.float32)
    slope = tl.zeros((lanes,), tl.float32)
    for start in range(0, pixels, tile):
        there, exists = _places(start, group, pixels, channels, tile, lanes)
        here, _ = _places(start, place, pixels, channels, tile, lanes)
        centred = tl.load(x + there, mask=exists, other=0.0) - mean[None, :]
        change = tl.load(gradient + here, mask=exists, other=0.0)
        if rectify:
            change = tl.where(centred * scale[None, :] + offset[None, :] > 0.0, change, 0.0)
        total += tl.sum(change, 0)
        slope += tl.sum(tl.where(exists, change * centred, 0.0), 0)
    share = slope * inverse * inverse / pixels
    rest = total / pixels
    for start in range(0, pixels, tile):
        there, exists = _places(start, group, pixels, channels, tile, lanes)
        here, _ = _places(start, place, pixels, channels, tile, lanes)
        centred = tl.load(x + there, mask=exists, other=0.0) - mean[None, :]
        change = tl.load(gradient + here, mask=exists, other=0.0)
        if rectify:
            change = tl.where(centred * scale[None, :] + offset[None, :] > 0.0, change, 0.0)
        tl.store(made + here, scale[None, :] * (change - rest[None, :] - centred * share[None, :]), mask=exists)


def normalise(rows: Tensor, weight: Tensor, bias: Tensor, eps: float, rectify: bool) -> tuple[Tensor, Tensor]:
    """Batch norm of every group, and the rectifier if asked for.

    Args:
        rows: float32 [G, P, C], contiguous.
        weight: float32 [C].
        bias: float32 [C].
        eps: added to variances.
        rectify: whether a ReLU follows.

    Returns:
        The same shape as ``rows``; float32 [2, G, C], means and what was multiplied by.
    """
    groups, pixels, channels = rows.shape
    y, statistics = torch.empty_like(rows), torch.empty(2, groups, channels, device=rows.device)
    lanes, grid = _shape(groups, channels)
    given = rows, weight, bias, y, statistics, groups, pixels, channels, eps
    _normalise[grid](*given, rectify=rectify, tile=_TILE // lanes, lanes=lanes)
    return y, statistics


def normalise_back(
    gradient: Tensor, rows: Tensor, chosen: Tensor, weight: Tensor, bias: Tensor, statistics: Tensor, rectify: bool
) -> Tensor:
    """Returns the gradient at the input of some groups.

    Args:
        gradient: at their results, float32 [A, P, C], contiguous.
        rows: float32 [G, P, C], contiguous, the input of all.
        chosen: int64 [A], their numbers.
        weight: see :func:`normalise`, as for what follows.
        bias: see there.
        statistics: see there.
        rectify: see there.
    """
    groups, pixels, channels = rows.shape
    made = torch.empty_like(gradient)
    lanes, grid = _shape(len(chosen), channels)
    given = gradient, rows, chosen, weight, bias, statistics, made, groups, pixels, channels
    _normalise_back[grid](*given, rectify=rectify, tile=_TILE // lanes, lanes=lanes)
    return made


def _shape(groups: int, channels: int) -> tuple[int, tuple[int, int]]:
    """Channels of a program, and the grid of programs."""
    lanes = min(_MOST_CHANNELS, triton.next_power_of_2(channels))
    return lanes, (groups, triton.cdiv(channels, lanes))


@triton.jit
def _count_rises(
    x, gradient, kernel, asked, masks, rises, rate, samples, height, width, channels, rows, columns, outputs,
    kernel_rows, kernel_columns, stride, padding, leaf: tl.constexpr, block: tl.constexpr,
):  # fmt: skip
    number = tl.program_id(0)
    group, place = tl.load(asked + 3 * number), tl.load(asked + 3 * number + 1)
    lane = tl.arange(0, leaf)
    element = tl.load(asked + 3 * number + 2) * leaf + lane
    tap = element // channels
    channel = element % channels
    out, row, column = tap // kernel_columns // kernel_rows, tap // kernel_columns % kernel_rows, tap % kernel_columns
    held = out < outputs
    pixels = rows * columns
    slope = tl.zeros((leaf,), tl.float32)
    for start in range(0, samples * pixels, block):
        at = start + tl.arange(0, block)
        sample, pixel = at // pixels, at % pixels
        y = (pixel // columns * stride - padding)[:, None] + row[None, :]
        z = (pixel % columns * stride - padding)[:, None] + column[None, :]
        exists = (at < samples * pixels)[:, None] & held[None, :] & (y >= 0) & (y < height) & (z >= 0) & (z < width)
        read = ((((group * samples + sample)[:, None] * height + y) * width + z) * channels) + channel[None, :]
        change = ((place * samples + sample) * pixels + pixel)[:, None] * outputs + out[None, :]
        term = tl.load(x + read, mask=exists, other=0.0) * tl.load(gradient + change, mask=exists, other=0.0)
        slope += tl.sum(term, 0)
    before = tl.load(kernel + element, mask=held, other=0.0)
    after = before - rate * slope
    counts = held & ((tl.load(masks + number) >> lane) & 1 == 1)
    lost = tl.sum((counts & (tl.abs(after) == float("inf")) | (after != after) & counts).to(tl.int32), 0)
    risen = tl.sum((counts & (after > before)).to(tl.int32), 0)
    tl.store(rises + number, tl.where(lost > 0, -1, risen).to(tl.int64))


def count_rises(
    x: Tensor,
    gradient: Tensor,
    kernel: Tensor,
    asked: Tensor,
    masks: Tensor,
    rate: float,
    stride: int,
    padding: int,
) -> Tensor:
    """Counts how many of a leaf's masked weights a step on a group would raise; -1 if one of them is not finite then.

    Args:
        x: [G, S, H, W, C], the convolution's input, contiguous.
        gradient: [A, S, h, w, O], at its output, of some groups, contiguous.
        kernel: [O, rows, columns, C], contiguous.
        asked: int64 [n, 3], for each leaf asked for a group: the group in ``x``, the same in ``gradient``, the leaf.
        masks: int64 [n].
        rate: of the step.
        stride: of the convolution.
        padding: of the convolution.

    Returns:
        int64 [n].
    """
    rises = torch.empty(len(asked), dtype=torch.int64, device=x.device)
    sizes = *x.shape[1:], *gradient.shape[2:], *kernel.shape[1:3], stride, padding
    given = x, gradient, kernel, asked, masks, rises, rate, *sizes
    _count_rises[(len(asked),)](*given, leaf=LEAF_WEIGHTS, block=_TILE // LEAF_WEIGHTS)
    return rises
