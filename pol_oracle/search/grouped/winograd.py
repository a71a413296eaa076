"""3×3 convolutions with a quarter of the multiplications, on a CPU.

Winograd's F(4×4, 3×3): six by six pixels and the kernel are transformed, multiplied one by one, summed over channels,
and transformed back to four by four results. The sums are 36 products of matrices, which is where the time goes.
Results differ from a plain convolution's by some 1e-5 of the largest one, where TF32's differ by 1e-3.

    V = B^T d B    U = G g G^T    M[a, b] = V[a, b] U[a, b]    y = A^T M A

Source: Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2016), section 4.3.
"""

from __future__ import annotations

import numba
import numpy as np
import torch
from torch import Tensor

from pol_oracle.canonical.kernels.jit import compiled
from pol_oracle.canonical.layers.graph import Geometry

from .cpu_loops import Floats

_SIDE, _TILE, _POINTS = 4, 6, 36  # pixels that a tile gives and takes along a side, and takes in all
_WORTH_CHANNELS = 64  # with fewer, transforms cost more than they spare
_WORTH_TILES = 16  # with fewer, the transformed kernel is read for too little
_CACHED = 1 << 19  # transformed numbers at a time, which a core's cache holds; more where the kernel has more
_TWO, _FOUR, _FIVE, _EIGHT = np.float32(2), np.float32(4), np.float32(5), np.float32(8)
_KERNEL = [[1 / 4, 0, 0], [-1 / 6] * 3, [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6]]
_G = torch.tensor([*_KERNEL, [0, 0, 1]], dtype=torch.float64)


class Winograd:
    """One kernel, transformed.

    Args:
        kernel: float32 [out, in, 3, 3].
    """

    def __init__(self, kernel: Tensor) -> None:
        outputs, inputs = kernel.shape[:2]
        flat = kernel.double().reshape(outputs, inputs, 9) @ torch.kron(_G, _G).T
        self._kernel = flat.permute(2, 1, 0).float().contiguous()

    def convolve(self, x: Tensor) -> Tensor:
        """[N, in, H, W] -> [N, out, H, W], with a padding of one; H and W are multiples of four."""
        images = x.permute(0, 2, 3, 1).contiguous()
        samples, height, width, inputs = images.shape
        outputs = self._kernel.shape[2]
        tiles = height // _SIDE * (width // _SIDE)
        chunk = max(1, max(_CACHED, self._kernel.numel()) // (_POINTS * tiles * max(inputs, outputs)))
        made = torch.empty(samples, height, width, outputs)
        for first in range(0, samples, chunk):
            some, own = images[first : first + chunk], made[first : first + chunk]
            points = torch.empty(_POINTS, len(some) * tiles, inputs)
            _transform(some.numpy(), points.numpy())
            _transform_back(torch.bmm(points, self._kernel).numpy(), own.numpy())
        return made.permute(0, 3, 1, 2)


def suits(geometry: Geometry, kernel: Tensor) -> bool:
    """Whether a convolution's kernel, [out, in, rows, columns], is of the kind, and large enough to gain."""
    kind = geometry.kernel, geometry.stride, geometry.padding
    whole = geometry.height % _SIDE == geometry.width % _SIDE == 0
    return kind == (3, 1, 1) and whole and min(kernel.shape[:2]) >= _WORTH_CHANNELS


def is_worth_it(x: Tensor) -> bool:
    """Whether there are enough images [N, C, H, W]."""
    samples, _, height, width = x.shape
    return samples * (height // _SIDE) * (width // _SIDE) >= _WORTH_TILES


@compiled("void(f4[:, ::1], f4[:, ::1])")
def _six_to_six(d: Floats, made: Floats) -> None:
    """``B^T d`` for many columns [6, n]."""
    for i in range(d.shape[1]):
        even, odd = d[4, i] - _FOUR * d[2, i], d[3, i] - _FOUR * d[1, i]
        outer, inner = d[4, i] - d[2, i], _TWO * (d[3, i] - d[1, i])
        made[0, i] = _FOUR * d[0, i] - _FIVE * d[2, i] + d[4, i]
        made[1, i] = even + odd
        made[2, i] = even - odd
        made[3, i] = outer + inner
        made[4, i] = outer - inner
        made[5, i] = _FOUR * d[1, i] - _FIVE * d[3, i] + d[5, i]


@compiled("void(f4[:, ::1], f4[:, ::1])")
def _six_to_four(m: Floats, made: Floats) -> None:
    """``A^T m`` for many columns, [6, n] -> [4, n]."""
    for i in range(m.shape[1]):
        near, far = m[1, i] + m[2, i], m[3, i] + m[4, i]
        near_odd, far_odd = m[1, i] - m[2, i], m[3, i] - m[4, i]
        made[0, i] = m[0, i] + near + far
        made[1, i] = near_odd + _TWO * far_odd
        made[2, i] = near + _FOUR * far
        made[3, i] = near_odd + _EIGHT * far_odd + m[5, i]


@compiled("void(f4[:, :, :, ::1], f4[:, :, ::1])", parallel=True)
def _transform(x: Floats, points: Floats) -> None:
    """Writes V, [36, tiles, C], of images [N, H, W, C]."""
    _, height, width, channels = x.shape
    across = width // _SIDE
    for t in numba.prange(points.shape[1]):
        n, top, left = t // (height // _SIDE * across), t // across * _SIDE % height - 1, t % across * _SIDE - 1
        tile = np.zeros((_TILE, _TILE * channels), np.float32)
        half = np.empty((_TILE, _TILE * channels), np.float32)
        first, last = max(left, 0), min(left + _TILE, width)
        for y in range(max(top, 0), min(top + _TILE, height)):
            row = x[n, y].reshape(width * channels)
            for i in range((last - first) * channels):  # a slice would be copied pixel by pixel
                tile[y - top, (first - left) * channels + i] = row[first * channels + i]
        _six_to_six(tile, half)
        for a in range(_TILE):
            _six_to_six(half[a].reshape(_TILE, channels), tile[a].reshape(_TILE, channels))
        for k in range(_POINTS):
            for c in range(channels):
                points[k, t, c] = tile[k // _TILE, k % _TILE * channels + c]


@compiled("void(f4[:, :, ::1], f4[:, :, :, ::1])", parallel=True)
def _transform_back(points: Floats, y: Floats) -> None:
    """Writes images [N, H, W, C] from M, [36, tiles, C]."""
    _, height, width, channels = y.shape
    across = width // _SIDE
    for t in numba.prange(points.shape[1]):
        n, top, left = t // (height // _SIDE * across), t // across * _SIDE % height, t % across * _SIDE
        tile = np.empty((_TILE, _TILE * channels), np.float32)
        half = np.empty((_SIDE, _TILE * channels), np.float32)
        for k in range(_POINTS):
            for c in range(channels):
                tile[k // _TILE, k % _TILE * channels + c] = points[k, t, c]
        _six_to_four(tile, half)
        for a in range(_SIDE):
            _six_to_four(half[a].reshape(_TILE, channels), y[n, top + a, left : left + _SIDE])
