"""Operands laid out for vectors: LANES outputs side by side, term after term."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..expressions import FloatArray
from .jit import compiled
from .vectors import LANES, copy_run, transpose

Index = NDArray[np.int64]


def run_ends(steps: Index) -> Index:
    """Returns for every term where the run of consecutive steps it belongs to ends."""
    breaks = np.flatnonzero(np.diff(steps) != 1) + 1
    ends = np.append(breaks, steps.size)
    return ends[np.searchsorted(ends, np.arange(steps.size), side="right")].astype(np.int64)


@compiled("void(i8[::1], i8, i8[::1])")
def take_lanes(starts: Index, first: int, lanes: Index) -> None:
    """Copies the starts of LANES outputs; beyond the last output, that one again (its results are dropped)."""
    for lane in range(LANES):
        lanes[lane] = starts[min(first + lane, starts.size - 1)]


@compiled("void(f4[::1], i8[::1], i8[::1], i8[::1], i8, i8, f4[::1], i8)")
def pack_panel(
    memory: FloatArray, lanes: Index, steps: Index, ends: Index, k0: int, k1: int, out: FloatArray, at: int
) -> None:
    """Writes ``out[at + (k - k0) * LANES + l] = memory[lanes[l] + steps[k]]`` for k0 <= k < k1."""
    neighbours = True
    for lane in range(1, LANES):
        neighbours = neighbours and lanes[lane] == lanes[0] + lane
    k = k0
    while k < k1:
        if neighbours:
            copy_run(out, at, memory, lanes[0] + steps[k], LANES)
            k, at = k + 1, at + LANES
        elif min(ends[k], k1) - k >= LANES:
            transpose(memory, lanes, steps[k], out, at, LANES)
            k, at = k + LANES, at + LANES * LANES
        else:
            for lane in range(LANES):
                out[at + lane] = memory[lanes[lane] + steps[k]]
            k, at = k + 1, at + LANES


@compiled("void(f4[::1], i8[::1], i8[::1], i8[::1], i8, i8, i8, i8, f4[::1], i8, i8)")
def pack_rows(
    memory: FloatArray,
    starts: Index,
    steps: Index,
    ends: Index,
    first: int,
    last: int,
    k0: int,
    k1: int,
    out: FloatArray,
    at: int,
    width: int,
) -> None:
    """Copies ``memory[starts[r] + steps[k]]`` to ``out[at + (r - first) * width + k - k0]``, run by run."""
    for r in range(first, last):
        k, to = k0, at + (r - first) * width
        while k < k1:
            end = min(ends[k], k1)
            copy_run(out, to + k - k0, memory, starts[r] + steps[k], end - k)
            k = end
