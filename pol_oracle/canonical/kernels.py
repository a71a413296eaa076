"""Whole-tensor kernels: blk64 reductions vectorised across outputs, never along the reduction.

Operands are flat float32 arrays with index vectors: output o and term k read ``flat[start[o] + step[k]]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .expressions import FloatArray
from .jit import compiled
from .operations import CHUNK
from .tile import LANES, ROWS, copy_run, tile

Index = NDArray[np.int64]

BLOCK = 16 * ROWS  # rows whose operands are held close


@compiled("void(f4[::1], i8[::1], i8[::1], f4[::1])")
def pack_columns(flat: FloatArray, start: Index, step: Index, out: FloatArray) -> None:
    """Lays the vector side out in panels of LANES columns: ``out[(p * terms + k) * LANES + l]`` holds
    ``flat[start[p * LANES + l] + step[k]]``, zeros beyond the last column."""
    at = 0
    for j0 in range(0, start.size, LANES):
        lanes = min(LANES, start.size - j0)
        for k in range(step.size):
            s = step[k]
            for lane in range(lanes):
                out[at + lane] = flat[start[j0 + lane] + s]
            for lane in range(lanes, LANES):
                out[at + lane] = np.float32(0)
            at += LANES


@compiled("void(f4[::1], i8[::1], i8[::1], i8[::1], i8, i8, i8, i8, f4[::1])")
def _pack_rows(
    flat: FloatArray, start: Index, step: Index, run_end: Index, i0: int, rows: int, k0: int, k1: int, out: FloatArray
) -> None:
    """Copies ``flat[start[i0 + r] + step[k]]`` to ``out[r * CHUNK + k - k0]``, contiguous run by run."""
    for r in range(rows):
        base, at = start[min(i0 + r, start.size - 1)], r * CHUNK - k0
        k = k0
        while k < k1:
            end = min(run_end[k], k1)
            copy_run(out, at + k, flat, base + step[k], end - k)
            k = end


@compiled("void(f4[::1], i8[::1], i8[::1], i8[::1], f4[::1], i8, f4[::1])")
def product(
    flat: FloatArray, start: Index, step: Index, run_end: Index, panels: FloatArray, width: int, out: FloatArray
) -> None:
    """Writes ``out[i * width + j] = blk64 sum over k of flat[start[i] + step[k]] * column j at k``.

    Args:
        flat: the scalar side.
        start: one per row.
        step: one per term.
        run_end: for every term, where the run of consecutive steps it belongs to ends.
        panels: the vector side, of :func:`pack_columns`.
        width: columns, a multiple of LANES.
        out: rows rounded up to a multiple of ROWS, times width.
    """
    terms, height = step.size, -(-start.size // ROWS) * ROWS
    a = np.empty(BLOCK * CHUNK, np.float32)
    for i0 in range(0, height, BLOCK):
        rows = min(BLOCK, height - i0)
        for k0 in range(0, terms, CHUNK):
            k1 = min(k0 + CHUNK, terms)
            _pack_rows(flat, start, step, run_end, i0, rows, k0, k1, a)
            for j in range(0, width, LANES):
                b_at = j * terms + k0 * LANES
                for r in range(0, rows, ROWS):
                    tile(a, panels, out, r * CHUNK, CHUNK, b_at, (i0 + r) * width + j, width, k1 - k0, k0 > 0)


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
    return bool(worst < np.uint32(0x7F800000))
