"""Reductions that are no matrix product: LANES outputs side by side."""

from __future__ import annotations

import numpy as np

from ..expressions import FloatArray
from ..operations import CHUNK
from .elementwise import Table, run_map
from .jit import compiled
from .pack import Index, pack_panel, take_lanes
from .vectors import LANES, panel_dot, panel_max, panel_sum

_PANEL = CHUNK * LANES


@compiled(
    "b1(f4[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], b1, i8, i8, i8, i8, i8[:, ::1],"
    "i8[:, ::1], i8, i8[:, ::1])"
)
def reduce_rows(
    memory: FloatArray,
    a: Index,
    a_steps: Index,
    a_ends: Index,
    b: Index,
    b_steps: Index,
    b_ends: Index,
    is_dot: bool,
    out: int,
    first: int,
    last: int,
    registers: int,
    loads: Table,
    load_rows: Table,
    inner: int,
    instructions: Table,
) -> bool:
    """Computes outputs ``first`` to ``last`` of a dot product or a sum, row by row, and their tail.

    ``out[o] = tail(blk64 sum over k of memory[a[o] + a_steps[k]] (* memory[b[o] + b_steps[k]]))``; the arguments are
    those of :func:`product.product`. For a sum, give the operand twice.
    """
    panels, totals = np.empty(2 * _PANEL, np.float32), np.empty(LANES, np.float32)
    a_lanes, b_lanes = np.empty(LANES, np.int64), np.empty(LANES, np.int64)
    for o in range(first, last, LANES):
        take_lanes(a, o, a_lanes)
        take_lanes(b, o, b_lanes)
        totals[:] = np.float32(0)
        for k0 in range(0, a_steps.size, CHUNK):
            k1 = min(k0 + CHUNK, a_steps.size)
            pack_panel(memory, a_lanes, a_steps, a_ends, k0, k1, panels, 0)
            if is_dot:
                pack_panel(memory, b_lanes, b_steps, b_ends, k0, k1, panels, _PANEL)
                panel_dot(panels, 0, _PANEL, k1 - k0, totals)
            else:
                panel_sum(panels, 0, 0, k1 - k0, totals)
        for lane in range(min(LANES, last - o)):
            memory[out + o + lane] = totals[lane]
    return run_map(memory, out, registers, loads, load_rows, inner, instructions, first, last)


@compiled("void(f4[::1], i8[::1], i8[::1], i8[::1], i8, b1, i8, i8)")
def greatest(
    memory: FloatArray, starts: Index, steps: Index, ends: Index, out: int, place: bool, first: int, last: int
) -> None:
    """Writes the greatest operand of every output, or with ``place`` its first k; a NaN never compares greater."""
    panel, lanes = np.empty(steps.size * LANES, np.float32), np.empty(LANES, np.int64)
    best, places = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    for o in range(first, last, LANES):
        take_lanes(starts, o, lanes)
        pack_panel(memory, lanes, steps, ends, 0, steps.size, panel, 0)
        panel_max(panel, steps.size, best, places)
        for lane in range(min(LANES, last - o)):
            memory[out + o + lane] = places[lane] if place else best[lane]
