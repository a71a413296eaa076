"""Dot products that form a matrix product: rows of one operand against columns of the other.

``out[i, j] = tail(blk64 sum over k of memory[rows[i] + row_steps[k]] * memory[columns[j] + column_steps[k]])``

Columns go side by side in vectors. A block of columns is packed once; then rows are taken a few at a time, their terms
chunk after chunk, and each finished block of rows gets the operation's tail while it lies in the cache.
"""

from __future__ import annotations

import numpy as np

from ..expressions import FloatArray
from ..operations import CHUNK
from .elementwise import Table, run_map
from .jit import compiled
from .layout import turn
from .pack import Index, pack_panel, pack_rows, take_lanes
from .vectors import LANES, ROWS, copy_run, tile_1, tile_2, tile_4, tile_6

ROW_BLOCK = 16 * ROWS


@compiled("void(f4[::1], i8[::1], i8, i8, f4[::1], i8, f4[::1], i8, i8, i8, i8, b1)")
def _tiles(
    a: FloatArray, starts: Index, first: int, a_at: int, b: FloatArray, b_at: int, out: FloatArray, at: int, step: int,
    rows: int, terms: int, add: bool,
) -> None:  # fmt: skip
    """``rows`` x LANES sums, by tiles of 6, 4, 2 and 1 rows."""
    r = 0
    while rows - r >= ROWS:
        tile_6(a, starts, first + r, a_at, b, b_at, out, at + r * step, step, terms, add)
        r += ROWS
    if rows - r >= 4:
        tile_4(a, starts, first + r, a_at, b, b_at, out, at + r * step, step, terms, add)
        r += 4
    if rows - r >= 2:
        tile_2(a, starts, first + r, a_at, b, b_at, out, at + r * step, step, terms, add)
        r += 2
    if rows - r == 1:
        tile_1(a, starts, first + r, a_at, b, b_at, out, at + r * step, step, terms, add)


@compiled(
    "b1(f4[::1], f4[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8[::1], i8, b1, i8, i8, i8, i8, i8,"
    "i8[:, ::1], i8[:, ::1], i8, i8[:, ::1])"
)
def product(
    memory: FloatArray,
    scratch: FloatArray,
    rows: Index,
    row_steps: Index,
    row_ends: Index,
    columns: Index,
    column_steps: Index,
    column_ends: Index,
    out: int,
    transposed: bool,
    first_row: int,
    last_row: int,
    first: int,
    last: int,
    registers: int,
    loads: Table,
    load_rows: Table,
    inner: int,
    instructions: Table,
) -> bool:
    """Computes one block of the output, packing its columns once.

    Args:
        memory: all tensors.
        scratch: at least :func:`scratch_size` floats.
        rows: address of every row's first operand.
        row_steps: what each term adds to it.
        row_ends: of :func:`run_ends`.
        columns: address of every column's first operand.
        column_steps: what each term adds to it.
        column_ends: of :func:`run_ends`.
        out: address of the output, [rows, columns], or [columns, rows] if ``transposed``.
        transposed: see out.
        first_row: of the block.
        last_row: of the block, exclusive.
        first: column of the block, a multiple of LANES.
        last: column of the block, exclusive.
        registers: as of :func:`run_map`, like all that follow.
        loads: the tail's operands.
        load_rows: see there.
        inner: see there.
        instructions: the tail.

    Returns:
        False if a NaN or an infinity is among the results.
    """
    terms, wide = row_steps.size, -(-(last - first) // LANES) * LANES
    lanes = np.empty(LANES, np.int64)
    a_at, block_at = terms * wide, terms * wide + ROW_BLOCK * CHUNK
    for j in range(0, wide, LANES):
        take_lanes(columns, first + j, lanes)
        pack_panel(memory, lanes, column_steps, column_ends, 0, terms, scratch, j * terms)
    packed = np.arange(ROW_BLOCK) * CHUNK
    direct = not transposed and wide == last - first
    finite = True
    for i0 in range(first_row, last_row, ROW_BLOCK):
        count = min(ROW_BLOCK, last_row - i0)
        for k0 in range(0, terms, CHUNK):
            k1 = min(k0 + CHUNK, terms)
            a, starts, at = memory, rows, i0
            left = row_steps[k0]
            if row_ends[k0] < k1:  # terms that do not lie together
                pack_rows(memory, rows, row_steps, row_ends, i0, i0 + count, k0, k1, scratch, a_at, CHUNK)
                a, starts, at, left = scratch, packed, 0, a_at
            for j in range(0, wide, LANES):
                b_at = j * terms + k0 * LANES
                if direct:
                    to = out + i0 * columns.size + first + j
                    _tiles(a, starts, at, left, scratch, b_at, memory, to, columns.size, count, k1 - k0, k0 > 0)
                else:
                    to = block_at + j
                    _tiles(a, starts, at, left, scratch, b_at, scratch, to, wide, count, k1 - k0, k0 > 0)
        if transposed:
            turn(scratch, block_at, wide, memory, out + first * rows.size + i0, rows.size, last - first, count)
            for j in range(first, last):
                begin = j * rows.size + i0
                finite &= run_map(memory, out, registers, loads, load_rows, inner, instructions, begin, begin + count)
            continue
        if not direct:
            for r in range(count):
                copy_run(memory, out + (i0 + r) * columns.size + first, scratch, block_at + r * wide, last - first)
        whole = last - first == columns.size  # rows that lie together are one run
        for r in range(0, count, count if whole else 1):
            begin = (i0 + r) * columns.size + first
            end = begin + (count * columns.size if whole else last - first)
            finite &= run_map(memory, out, registers, loads, load_rows, inner, instructions, begin, end)
    return finite


def scratch_size(terms: int, columns: int) -> int:
    """Floats that :func:`product` needs beside memory, for a block of ``columns``."""
    wide = -(-columns // LANES) * LANES
    return terms * wide + ROW_BLOCK * (CHUNK + wide)
