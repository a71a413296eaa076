"""What a CPU does many times faster in loops of its own than with torch's operations.

Batch norm by groups does one group after the other, which stays in the cache from its mean to its result; with torch's
operations it takes four to ten passes over tensors that no cache holds. Its input, its result and the gradients of both
are [G, T, L] here: groups, and the pixels of a group cut into T rows of L numbers, each some pixels' C channels one
after the other. What holds for a channel is spread over L lanes, so that the inner loops are long ones over plain
arrays, which LLVM turns into vector instructions.

The gradients at the weights of a leaf are sums over all pixels of a group of what its taps read.
"""

from __future__ import annotations

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from pol_oracle.canonical.kernels.jit import compiled
from pol_oracle.protocol.derivation import LEAF_WEIGHTS

from ..draws import Integers

Floats = NDArray[np.float32]

_LANES = 256
_ZERO, _ONE = np.float32(0), np.float32(1)
_BIT = np.uint64(1)


def in_lanes(rows: torch.Tensor) -> Floats:
    """Returns a contiguous float32 tensor [G, pixels, C] as the loops take it."""
    groups, pixels, channels = rows.shape
    run = 1
    while pixels % (2 * run) == 0 and 2 * run * channels <= _LANES:
        run *= 2
    tiled: Floats = rows.numpy().reshape(groups, pixels // run, run * channels)
    return tiled


def use_threads(count: int) -> None:
    """Settles how many threads the next loops of this thread may use."""
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]


@compiled("void(f4[::1], f4[::1])")
def _spread(channels: Floats, lanes: Floats) -> None:
    for at in range(0, lanes.size, channels.size):
        for c in range(channels.size):
            lanes[at + c] = channels[c]


@compiled("void(f4[::1], f4[::1])")
def _gather(lanes: Floats, channels: Floats) -> None:
    channels[:] = _ZERO
    for at in range(0, lanes.size, channels.size):
        for c in range(channels.size):
            channels[c] += lanes[at + c]


@compiled("void(f4[:, ::1], f4[::1], f4[::1], f4, b1, f4[:, ::1], f4[:, :, ::1], i8)")
def _normalise(
    x: Floats, weight: Floats, bias: Floats, eps: np.float32, rectify: bool, y: Floats, statistics: Floats, g: int
) -> None:
    """:func:`normalise` for group ``g``, whose rows are ``x`` and ``y``."""
    tiles, lanes = x.shape
    count = np.float32(tiles * (lanes // weight.size))
    lane = np.empty((4, lanes), np.float32)
    total, centre, scale, shift = lane[0], lane[1], lane[2], lane[3]
    _spread(bias, shift)
    mean, inverse = statistics[0, g], statistics[1, g]
    variance = np.empty(weight.size, np.float32)
    total[:] = _ZERO
    for t in range(tiles):
        for i in range(lanes):
            total[i] += x[t, i]
    _gather(total, mean)
    mean /= count
    _spread(mean, centre)
    total[:] = _ZERO
    for t in range(tiles):
        for i in range(lanes):
            total[i] += (x[t, i] - centre[i]) * (x[t, i] - centre[i])
    _gather(total, variance)
    variance /= count
    inverse[:] = _ONE / np.sqrt(variance + eps)
    _spread(weight * inverse, scale)
    for t in range(tiles):
        for i in range(lanes):
            value = (x[t, i] - centre[i]) * scale[i] + shift[i]
            y[t, i] = _ZERO if rectify and value < _ZERO else value


@compiled("void(f4[:, ::1], f4[:, ::1], f4[::1], f4[::1], f4[::1], f4[::1], b1, f4[:, ::1])")
def _normalise_back(
    gradient: Floats,
    x: Floats,
    weight: Floats,
    bias: Floats,
    mean: Floats,
    inverse: Floats,
    rectify: bool,
    made: Floats,
) -> None:
    """:func:`normalise_back` for one group."""
    tiles, lanes = x.shape
    count = np.float32(tiles * (lanes // weight.size))
    lane = np.empty((7, lanes), np.float32)
    total, slope, centre, scale, shift, share, rest = lane[0], lane[1], lane[2], lane[3], lane[4], lane[5], lane[6]
    sums = np.empty((2, weight.size), np.float32)
    factor = weight * inverse
    _spread(bias, shift)
    _spread(mean, centre)
    _spread(factor, scale)
    total[:] = slope[:] = _ZERO
    for t in range(tiles):
        for i in range(lanes):
            offset = x[t, i] - centre[i]
            dead = rectify and offset * scale[i] + shift[i] <= _ZERO
            passed = _ZERO if dead else gradient[t, i]
            total[i] += passed
            slope[i] += passed * offset
    _gather(total, sums[0])
    _gather(slope, sums[1])
    _spread(-factor * sums[0] / count, rest)
    _spread(-factor * inverse * inverse * sums[1] / count, share)
    for t in range(tiles):
        for i in range(lanes):
            offset = x[t, i] - centre[i]
            dead = rectify and offset * scale[i] + shift[i] <= _ZERO
            passed = _ZERO if dead else gradient[t, i]
            made[t, i] = passed * scale[i] + (offset * share[i] + rest[i])


@compiled("void(f4[:, :, ::1], f4[::1], f4[::1], f4, b1, f4[:, :, ::1], f4[:, :, ::1])", parallel=True)
def normalise(
    x: Floats, weight: Floats, bias: Floats, eps: np.float32, rectify: bool, y: Floats, statistics: Floats
) -> None:
    """Writes the result, and the groups' statistics [2, G, C]: mean and 1 / sqrt(variance + eps).

    ``y = (x - mean) / sqrt(variance + eps) * weight + bias``, and with ``rectify`` zero where that is below it.
    """
    for g in numba.prange(len(x)):
        _normalise(x[g], weight, bias, eps, rectify, y[g], statistics, g)


@compiled(
    "void(f4[:, :, ::1], f4[:, :, ::1], i8[::1], f4[::1], f4[::1], f4[:, :, ::1], b1, f4[:, :, ::1])", parallel=True
)
def normalise_back(
    gradient: Floats,
    x: Floats,
    chosen: Integers,
    weight: Floats,
    bias: Floats,
    statistics: Floats,
    rectify: bool,
    made: Floats,
) -> None:
    """Writes the gradient at the input of some chosen groups from that at their results, in their order."""
    for a in numba.prange(len(chosen)):
        g = chosen[a]
        mean, inverse = statistics[0, g], statistics[1, g]
        _normalise_back(gradient[a], x[g], weight, bias, mean, inverse, rectify, made[a])


@compiled("void(f4[:, :, :, ::1], f4[:, :, :, ::1], i8, i8, i8, i8, i8, i8, f8[::1])")
def _add_weight_gradients(
    x: Floats,
    gradient: Floats,
    out: int,
    row: int,
    column: int,
    channel: int,
    stride: int,
    padding: int,
    weight_gradients: NDArray[np.float64],
) -> None:
    """Adds those at some channels of one tap; ``x`` and ``gradient`` are one group's samples."""
    samples, height, width, _ = x.shape
    _, rows, columns, _ = gradient.shape
    lanes = np.empty(weight_gradients.size, np.float32)
    for n in range(samples):
        for r in range(rows):
            y = r * stride + row - padding
            if 0 <= y < height:
                lanes[:] = _ZERO
                for c in range(columns):
                    z = c * stride + column - padding
                    if 0 <= z < width:
                        change = gradient[n, r, c, out]
                        read = x[n, y, z, channel : channel + weight_gradients.size]
                        for i in range(weight_gradients.size):
                            lanes[i] += change * read[i]
                for i in range(weight_gradients.size):
                    weight_gradients[i] += lanes[i]


@compiled("i8(f4[:, :, :, ::1], f4[:, :, :, ::1], f4[:, :, :, ::1], i8, u8, f4, i8, i8)")
def _rises(
    x: Floats, gradient: Floats, kernel: Floats, leaf: int, mask: np.uint64, rate: np.float32, stride: int, padding: int
) -> int:
    """:func:`count_rises` for one group and one leaf."""
    _, height, width, channels = kernel.shape
    start = leaf * LEAF_WEIGHTS
    end = min(start + LEAF_WEIGHTS, kernel.size)
    weight_gradients = np.zeros(LEAF_WEIGHTS, np.float64)
    at = start
    while at < end:  # tap by tap
        tap, channel = at // channels, at % channels
        size = min(channels - channel, end - at)
        out, row, column = tap // width // height, tap // width % height, tap % width
        _add_weight_gradients(
            x, gradient, out, row, column, channel, stride, padding, weight_gradients[at - start : at - start + size]
        )
        at += size
    flat, rises = kernel.reshape(kernel.size), 0
    for i in range(end - start):
        if mask >> np.uint64(i) & _BIT:
            after = flat[start + i] - rate * np.float32(weight_gradients[i])
            if not np.isfinite(after):
                return -1
            rises += after > flat[start + i]
    return rises


@compiled(
    "void(f4[:, :, :, :, ::1], f4[:, :, :, :, ::1], f4[:, :, :, ::1], i8[:, ::1], u8[::1], f4, i8, i8, i8[::1])",
    parallel=True,
)
def count_rises(
    x: Floats,
    gradient: Floats,
    kernel: Floats,
    asked: Integers,
    masks: NDArray[np.uint64],
    rate: np.float32,
    stride: int,
    padding: int,
    rises: Integers,
) -> None:
    """Counts how many of a leaf's masked weights a step on a group would raise; -1 if one of them is not finite then.

    Args:
        x: [G, S, H, W, C], the convolution's input.
        gradient: [A, S, h, w, O], at its output, of some groups.
        kernel: [O, rows, columns, C].
        asked: int64 [n, 3], for each leaf asked for a group: the group in ``x``, the same in ``gradient``, the leaf.
        masks: uint64 [n].
        rate: of the step.
        stride: of the convolution.
        padding: of the convolution.
        rises: int64 [n].
    """
    for i in numba.prange(len(asked)):
        group, place, leaf = asked[i]
        rises[i] = _rises(x[group], gradient[place], kernel, leaf, masks[i], rate, stride, padding)
