"""Whole-tensor kernels: blk64 reductions vectorised across outputs, never along the reduction.

Operands are flat float32 arrays with index vectors: output o and term k read ``flat[start[o] + step[k]]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .expressions import FloatArray
from .jit import compiled
from .operations import CHUNK

Index = NDArray[np.int64]

LANES = 16  # the vector side of a product is padded to whole groups of this many outputs
ROWS = 4  # outputs of the scalar side that are computed together


@compiled("void(f4[::1], i8[::1], i8[::1], f4[:, ::1])")
def pack_columns(flat: FloatArray, start: Index, step: Index, out: FloatArray) -> None:
    """Writes ``out[k, j] = flat[start[j] + step[k]]``; columns beyond ``start`` stay as they are."""
    for j0 in range(0, start.size, LANES):
        j1 = min(j0 + LANES, start.size)
        for k in range(step.size):
            s = step[k]
            for j in range(j0, j1):
                out[k, j] = flat[start[j] + s]


@compiled("void(f4[::1], i8[::1], i8[::1], f4[:, ::1], f4[:, ::1])")
def product(flat: FloatArray, start: Index, step: Index, columns: FloatArray, out: FloatArray) -> None:
    """Writes ``out[i, j] = blk64 sum over k of flat[start[i] + step[k]] * columns[k, j]``.

    Args:
        flat: the scalar side.
        start: one per output row; their number is a multiple of ROWS.
        step: one per term.
        columns: [terms, width], the vector side; width a multiple of LANES.
        out: [rows, width].
    """
    width = columns.shape[1]
    a, t = np.empty((ROWS, CHUNK), np.float32), np.empty((ROWS, width), np.float32)
    for i in range(0, start.size, ROWS):
        out[i : i + ROWS] = np.float32(0)
        for k0 in range(0, step.size, CHUNK):
            n = min(CHUNK, step.size - k0)
            for r in range(ROWS):
                for k in range(n):
                    a[r, k] = flat[start[i + r] + step[k0 + k]]
            t[:] = np.float32(0)
            for k in range(n):
                a0, a1, a2, a3 = a[0, k], a[1, k], a[2, k], a[3, k]
                for j in range(width):
                    b = columns[k0 + k, j]
                    t[0, j] += a0 * b
                    t[1, j] += a1 * b
                    t[2, j] += a2 * b
                    t[3, j] += a3 * b
            for r in range(ROWS):
                for j in range(width):
                    out[i + r, j] += t[r, j]


@compiled("void(f4[::1], i8[::1], i8[::1], f4[::1], i8[::1], i8[::1], f4[::1])")
def dot_rows(
    a: FloatArray, a_start: Index, a_step: Index, b: FloatArray, b_start: Index, b_step: Index, out: FloatArray
) -> None:
    """Writes ``out[o] = blk64 sum over k of a(o, k) * b(o, k)``, eight outputs side by side."""
    for o in range(out.size):
        total = np.float32(0)
        for k0 in range(0, a_step.size, CHUNK):
            chunk = np.float32(0)
            for k in range(k0, min(k0 + CHUNK, a_step.size)):
                chunk += a[a_start[o] + a_step[k]] * b[b_start[o] + b_step[k]]
            total += chunk
        out[o] = total


@compiled("void(f4[::1], i8[::1], i8[::1], f4[::1])")
def sum_rows(a: FloatArray, start: Index, step: Index, out: FloatArray) -> None:
    """Writes ``out[o] = blk64 sum over k of a(o, k)``."""
    for o in range(out.size):
        total = np.float32(0)
        for k0 in range(0, step.size, CHUNK):
            chunk = np.float32(0)
            for k in range(k0, min(k0 + CHUNK, step.size)):
                chunk += a[start[o] + step[k]]
            total += chunk
        out[o] = total


@compiled("void(f4[::1], i8[::1], i8[::1], f4[::1], b1)")
def max_rows(a: FloatArray, start: Index, step: Index, out: FloatArray, place: bool) -> None:
    """Writes the greatest a(o, k), or with ``place`` its first k; a NaN never compares greater."""
    for o in range(out.size):
        best, at = a[start[o] + step[0]], 0
        for k in range(1, step.size):
            x = a[start[o] + step[k]]
            if x > best:
                best, at = x, k
        out[o] = np.float32(at) if place else best


@compiled("b1(u4[::1])")
def all_finite(bits: NDArray[np.uint32]) -> bool:
    """Says whether no binary32 in ``bits`` is an infinity or a NaN."""
    worst = np.uint32(0)
    for x in bits:
        worst = max(worst, x & np.uint32(0x7FFFFFFF))
    return worst < np.uint32(0x7F800000)
