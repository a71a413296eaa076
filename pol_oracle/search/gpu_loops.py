# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, misc"
"""What a GPU does many times faster in kernels of our own than with torch's operations. The counterpart of
cpu_loops.py, in Triton, which comes with torch's CUDA builds.

Batch norm by groups is five to ten passes over the memory with torch's operations, more than all convolutions of a
small network take. Here each program does some channels of one group: it reads them twice and writes them once. Slopes
at single weights take some 25 operations for each layer, most of whose time is their start; here they take one.
"""

# no "from __future__ import annotations": Triton reads the annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

_TILE = 4096  # numbers that a program holds at once
_MOST_CHANNELS = 64  # of a program: 128 bytes and more lie next to each other


@triton.jit
def _places(start, group, samples, groups, pixels, channels, tile: tl.constexpr, lanes: tl.constexpr):
    """Offsets of some pixels' channels of a group, [tile, lanes], and which of them exist."""
    row = start + tl.arange(0, tile)
    channel = tl.program_id(1) * lanes + tl.arange(0, lanes)
    place = ((row // pixels) * groups + group).to(tl.int64) * pixels + row % pixels
    exists = (row < samples * pixels)[:, None] & (channel < channels)[None, :]
    return place[:, None] * channels + channel[None, :], exists


@triton.jit
def _normalise(
    x, weight, bias, y, statistics, samples, groups, pixels, channels, eps,
    rectify: tl.constexpr, tile: tl.constexpr, lanes: tl.constexpr,
):  # fmt: skip
    group = tl.program_id(0)
    channel = tl.program_id(1) * lanes + tl.arange(0, lanes)
    known = channel < channels
    count = samples * pixels
    # sums are taken of the differences from the first pixel: squares of numbers far from 0 would cancel
    pivot = tl.load(x + group.to(tl.int64) * pixels * channels + channel, mask=known, other=0.0).to(tl.float32)
    total = tl.zeros((lanes,), tl.float32)
    squares = tl.zeros((lanes,), tl.float32)
    for start in range(0, count, tile):
        at, exists = _places(start, group, samples, groups, pixels, channels, tile, lanes)
        value = tl.load(x + at, mask=exists, other=0.0).to(tl.float32)
        apart = tl.where(exists, value - pivot[None, :], 0.0)
        total += tl.sum(apart, 0)
        squares += tl.sum(apart * apart, 0)
    shift = total / count
    mean = pivot + shift
    variance = tl.maximum(squares / count - shift * shift, 0.0)
    inverse = 1.0 / tl.sqrt(variance + eps)
    out = group * channels + channel
    tl.store(statistics + out, mean, mask=known)
    tl.store(statistics + groups * channels + out, variance, mask=known)
    tl.store(statistics + 2 * groups * channels + out, inverse, mask=known)
    scale = tl.load(weight + channel, mask=known, other=0.0) * inverse
    offset = tl.load(bias + channel, mask=known, other=0.0)
    for start in range(0, count, tile):
        at, exists = _places(start, group, samples, groups, pixels, channels, tile, lanes)
        value = tl.load(x + at, mask=exists, other=0.0).to(tl.float32)
        value = (value - mean[None, :]) * scale[None, :] + offset[None, :]
        if rectify:
            value = tl.maximum(value, 0.0)
        tl.store(y + at, value.to(y.dtype.element_ty), mask=exists)


@triton.jit
def _normalise_back(
    gradient, x, weight, bias, statistics, made, own, samples, groups, pixels, channels,
    rectify: tl.constexpr, tile: tl.constexpr, lanes: tl.constexpr,
):  # fmt: skip
    group = tl.program_id(0)
    channel = tl.program_id(1) * lanes + tl.arange(0, lanes)
    known = channel < channels
    count = samples * pixels
    out = group * channels + channel
    mean = tl.load(statistics + out, mask=known, other=0.0)
    inverse = tl.load(statistics + 2 * groups * channels + out, mask=known, other=0.0)
    scale = tl.load(weight + channel, mask=known, other=0.0) * inverse
    offset = tl.load(bias + channel, mask=known, other=0.0)
    total = tl.zeros((lanes,), tl.float32)
    slope = tl.zeros((lanes,), tl.float32)
    for start in range(0, count, tile):
        at, exists = _places(start, group, samples, groups, pixels, channels, tile, lanes)
        centred = tl.load(x + at, mask=exists, other=0.0).to(tl.float32) - mean[None, :]
        change = tl.load(gradient + at, mask=exists, other=0.0).to(tl.float32)
        if rectify:
            change = tl.where(centred * scale[None, :] + offset[None, :] > 0.0, change, 0.0)
        total += tl.sum(change, 0)
        slope += tl.sum(tl.where(exists, change * centred, 0.0), 0)
    tl.store(own + out, slope * inverse, mask=known)
    tl.store(own + groups * channels + out, total, mask=known)
    share = slope * inverse * inverse / count
    rest = total / count
    for start in range(0, count, tile):
        at, exists = _places(start, group, samples, groups, pixels, channels, tile, lanes)
        centred = tl.load(x + at, mask=exists, other=0.0).to(tl.float32) - mean[None, :]
        change = tl.load(gradient + at, mask=exists, other=0.0).to(tl.float32)
        if rectify:
            change = tl.where(centred * scale[None, :] + offset[None, :] > 0.0, change, 0.0)
        change = scale[None, :] * (change - rest[None, :] - centred * share[None, :])
        tl.store(made + at, change.to(made.dtype.element_ty), mask=exists)


def normalise(rows: Tensor, weight: Tensor, bias: Tensor, eps: float, rectify: bool) -> tuple[Tensor, Tensor]:
    """Batch norm of every group, and the rectifier if asked for.

    Args:
        rows: [S, G, P, C], contiguous, of any floating type.
        weight: float32 [C].
        bias: float32 [C].
        eps: added to variances.
        rectify: whether a ReLU follows.

    Returns:
        The same shape and type as ``rows``; float32 [3, G, C], means, biased variances and what was multiplied by.
    """
    samples, groups, pixels, channels = rows.shape
    y, statistics = torch.empty_like(rows), torch.empty(3, groups, channels, device=rows.device)
    lanes, grid = _shape(groups, channels)
    sizes = samples, groups, pixels, channels
    _normalise[grid](rows, weight, bias, y, statistics, *sizes, eps, rectify=rectify, tile=_TILE // lanes, lanes=lanes)
    return y, statistics


def normalise_back(
    gradient: Tensor, rows: Tensor, weight: Tensor, bias: Tensor, statistics: Tensor, rectify: bool
) -> tuple[Tensor, Tensor]:
    """Its derivative.

    Returns:
        The gradient at ``rows``, of their shape and type; float32 [2, G, C], those of each group at weight and bias.
    """
    samples, groups, pixels, channels = rows.shape
    made, own = torch.empty_like(rows), torch.empty(2, groups, channels, device=rows.device)
    lanes, grid = _shape(groups, channels)
    sizes = samples, groups, pixels, channels
    given = gradient, rows, weight, bias, statistics, made, own
    _normalise_back[grid](*given, *sizes, rectify=rectify, tile=_TILE // lanes, lanes=lanes)
    return made, own


def _shape(groups: int, channels: int) -> tuple[int, tuple[int, int]]:
    """Channels of a program, and the grid of programs."""
    lanes = min(_MOST_CHANNELS, triton.next_power_of_2(channels))
    return lanes, (groups, triton.cdiv(channels, lanes))


@triton.jit(do_not_specialize=["number", "slots", "groups"])  # they would have it compiled anew for half of the layers
def _weight_slopes(
    x, gradient, kernel, asked, answers, number, slots, samples, groups,
    height, width, channels, rows, columns, outputs,
    kernel_rows, kernel_columns, stride, padding, top, left, block: tl.constexpr,
):  # fmt: skip
    wanted = asked + tl.program_id(0) * 7
    if tl.load(wanted + 6) != number:  # another convolution's
        return
    slot, group, out = tl.load(wanted), tl.load(wanted + 1), tl.load(wanted + 2)
    row, column, channel = tl.load(wanted + 3), tl.load(wanted + 4), tl.load(wanted + 5)
    pixels = rows * columns
    total = tl.zeros((block,), tl.float32)
    squares = tl.zeros((block,), tl.float32)
    for start in range(0, samples * pixels, block):
        at = start + tl.arange(0, block)
        image, pixel = (at // pixels) * groups + group, at % pixels
        y = pixel // columns * stride + row - padding
        z = pixel % columns * stride + column - padding
        exists = (at < samples * pixels) & (y >= 0) & (y < height) & (z >= 0) & (z < width)
        read = tl.load(x + ((image * height + y) * width + z) * channels + channel, mask=exists, other=0.0)
        change = tl.load(gradient + (image * pixels + pixel) * outputs + out, mask=exists, other=0.0)
        term = read.to(tl.float32) * change.to(tl.float32)
        total += term
        squares += term * term
    place = ((out * kernel_rows + row - top) * kernel_columns + column - left) * channels + channel
    tl.store(answers + slot, tl.load(kernel + place))
    tl.store(answers + slots + slot, tl.sum(total, 0))
    tl.store(answers + 2 * slots + slot, tl.sqrt(tl.sum(squares, 0)))


def weight_slopes(
    x: Tensor,
    gradient: Tensor,
    kernel: Tensor,
    asked: Tensor,
    number: int,
    groups: int,
    stride: int,
    padding: int,
    first: tuple[int, int],
    answers: Tensor,
) -> None:
    """Each group's gradient at the weights it asks for.

    Args:
        x: what the convolution read, [S * G, H, W, C], contiguous.
        gradient: at its output, [S * G, h, w, out], contiguous.
        kernel: float32 [out, rows, columns, C], contiguous: its live taps.
        asked: int64 [n, 7], see :class:`~pol_oracle.search.live_convolution.Wanted`.
        number: of the kernel's tensor: only what asks for it is answered.
        groups: G.
        stride, padding: of the whole kernel.
        first: row and column of the first live tap.
        answers: where weight, slope and scale go, float32 [3, slots].
    """
    samples = len(x) // groups
    sizes = answers.shape[1], samples, groups, *x.shape[1:], *gradient.shape[1:], *kernel.shape[1:3]
    block = min(1024, triton.next_power_of_2(samples * gradient.shape[1] * gradient.shape[2]))
    given = x, gradient, kernel, asked, answers, number
    _weight_slopes[(len(asked),)](*given, *sizes, stride, padding, *first, block=max(32, block))
