"""What a CPU does many times faster in loops of its own than with torch's operations.

Batch norm by groups does one group after the other, which stays in the cache from its mean to its result; with torch's
operations it takes four to ten passes over tensors that no cache holds. Its input, its result and the gradients of both
are [S, G, T, L] here: samples, groups, and the pixels of a sample cut into T rows of L numbers, each some pixels'
C channels one after the other. What holds for a channel is spread over L lanes, so that the inner loops are long ones
over plain arrays, which LLVM turns into vector instructions.

The slopes at single weights are short sums from all over two tensors, for which torch needs lists of places.
"""

from __future__ import annotations

import numba
import numpy as np
import torch
from numpy.typing import NDArray

from pol_oracle.canonical.kernels.jit import compiled

from .draws import Integers

Floats = NDArray[np.float32]

_LANES = 256
_ZERO, _ONE = np.float32(0), np.float32(1)


def in_lanes(rows: torch.Tensor) -> Floats:
    """Returns a contiguous float32 tensor [S, G, pixels, C] as the loops take it."""
    samples, groups, pixels, channels = rows.shape
    run = 1
    while pixels % (2 * run) == 0 and 2 * run * channels <= _LANES:
        run *= 2
    tiled: Floats = rows.numpy().reshape(samples, groups, pixels // run, run * channels)
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


@compiled("void(f4[:, :, :, ::1], f4[::1], f4[::1], f4, b1, f4[:, :, :, ::1], f4[:, :, ::1], i8)")
def _normalise(
    x: Floats,
    weight: Floats,
    bias: Floats,
    eps: np.float32,
    rectify: bool,
    y: Floats,
    statistics: Floats,
    g: int,
) -> None:
    """:func:`normalise` for group ``g``."""
    samples, _, tiles, lanes = x.shape
    count = np.float32(samples * tiles * (lanes // weight.size))
    lane = np.empty((4, lanes), np.float32)
    total, centre, scale, shift = lane[0], lane[1], lane[2], lane[3]
    _spread(bias, shift)
    mean, variance, inverse = statistics[0, g], statistics[1, g], statistics[2, g]
    total[:] = _ZERO
    for s in range(samples):
        for t in range(tiles):
            for i in range(lanes):
                total[i] += x[s, g, t, i]
    _gather(total, mean)
    mean /= count
    _spread(mean, centre)
    total[:] = _ZERO
    for s in range(samples):
        for t in range(tiles):
            for i in range(lanes):
                total[i] += (x[s, g, t, i] - centre[i]) * (x[s, g, t, i] - centre[i])
    _gather(total, variance)
    variance /= count
    inverse[:] = _ONE / np.sqrt(variance + eps)
    _spread(weight * inverse, scale)
    for s in range(samples):
        for t in range(tiles):
            for i in range(lanes):
                value = (x[s, g, t, i] - centre[i]) * scale[i] + shift[i]
                y[s, g, t, i] = _ZERO if rectify and value < _ZERO else value


@compiled(
    "void(f4[:, :, :, ::1], f4[:, :, :, ::1], f4[::1], f4[::1], f4[:, :, ::1], b1, f4[:, :, :, ::1], f4[:, :, ::1],i8)"
)
def _normalise_back(
    gradient: Floats,
    x: Floats,
    weight: Floats,
    bias: Floats,
    statistics: Floats,
    rectify: bool,
    x_gradient: Floats,
    gradients: Floats,
    g: int,
) -> None:
    """:func:`normalise_back` for group ``g``."""
    samples, _, tiles, lanes = x.shape
    count = np.float32(samples * tiles * (lanes // weight.size))
    lane = np.empty((7, lanes), np.float32)
    total, slope, centre, scale, shift, share, rest = lane[0], lane[1], lane[2], lane[3], lane[4], lane[5], lane[6]
    _spread(bias, shift)
    inverse = statistics[2, g]
    factor = weight * inverse
    _spread(statistics[0, g], centre)
    _spread(factor, scale)
    total[:] = slope[:] = _ZERO
    for s in range(samples):
        for t in range(tiles):
            for i in range(lanes):
                offset = x[s, g, t, i] - centre[i]
                dead = rectify and offset * scale[i] + shift[i] <= _ZERO
                passed = _ZERO if dead else gradient[s, g, t, i]
                total[i] += passed
                slope[i] += passed * offset
    _gather(slope, gradients[0, g])
    _gather(total, gradients[1, g])
    gradients[0, g] *= inverse
    _spread(-factor * inverse * gradients[0, g] / count, share)
    _spread(-factor * gradients[1, g] / count, rest)
    for s in range(samples):
        for t in range(tiles):
            for i in range(lanes):
                offset = x[s, g, t, i] - centre[i]
                dead = rectify and offset * scale[i] + shift[i] <= _ZERO
                passed = _ZERO if dead else gradient[s, g, t, i]
                x_gradient[s, g, t, i] = passed * scale[i] + (offset * share[i] + rest[i])


@compiled(
    "void(f4[:, :, :, ::1], f4[::1], f4[::1], f4, b1, f4[:, :, :, ::1], f4[:, :, ::1])",
    parallel=True,
)
def normalise(
    x: Floats,
    weight: Floats,
    bias: Floats,
    eps: np.float32,
    rectify: bool,
    y: Floats,
    statistics: Floats,
) -> None:
    """Writes the result, and the groups' statistics [3, G, C]: mean, biased variance and 1 / sqrt(variance + eps).

    ``y = (x - mean) / sqrt(variance + eps) * weight + bias``, and with ``rectify`` zero where that is below it.
    """
    for g in numba.prange(x.shape[1]):
        _normalise(x, weight, bias, eps, rectify, y, statistics, g)


@compiled(
    "void(f4[:, :, :, ::1], f4[:, :, :, ::1], f4[::1], f4[::1], f4[:, :, ::1], b1, f4[:, :, :, ::1], f4[:, :, ::1])",
    parallel=True,
)
def normalise_back(
    gradient: Floats,
    x: Floats,
    weight: Floats,
    bias: Floats,
    statistics: Floats,
    rectify: bool,
    x_gradient: Floats,
    gradients: Floats,
) -> None:
    """Writes the gradient at the input, and each group's at weight and bias [2, G, C], from that at the result."""
    for g in numba.prange(x.shape[1]):
        _normalise_back(gradient, x, weight, bias, statistics, rectify, x_gradient, gradients, g)


@compiled(
    "void(f4[:, :, :, ::1], f4[:, :, :, ::1], f4[:, :, :, ::1], i8[:, ::1], i8, i8, i8, i8, i8, f4[:, ::1])",
    parallel=True,
)
def weight_slopes(
    x: Floats,
    gradient: Floats,
    kernel: Floats,
    asked: Integers,
    groups: int,
    stride: int,
    padding: int,
    top: int,
    left: int,
    answers: Floats,
) -> None:
    """Tells the gradients of a group's loss at single weights of a convolution.

    Args:
        x: [N, H, W, C], the convolution's input.
        gradient: [N, h, w, O], at its output.
        kernel: [O, rows, columns, C], its live taps.
        asked: see :class:`live_convolution.Wanted`.
        groups: G; sample s of group g is number s * G + g.
        stride, padding: of the convolution.
        top, left: the first live tap.
        answers: see :class:`live_convolution.Wanted`.
    """
    number, height, width, _ = x.shape
    _, rows, columns, _ = gradient.shape
    for i in numba.prange(len(asked)):
        slot, group, out, row, column, channel, _ = asked[i]
        total = squares = 0.0
        for n in range(group, number, groups):
            for r in range(rows):
                y = r * stride + row - padding
                if 0 <= y < height:
                    for c in range(columns):
                        z = c * stride + column - padding
                        if 0 <= z < width:
                            term = np.float64(x[n, y, z, channel]) * gradient[n, r, c, out]
                            total += term
                            squares += term * term
        answers[0, slot] = kernel[out, row - top, column - left, channel]
        answers[1, slot] = total
        answers[2, slot] = np.sqrt(squares)
