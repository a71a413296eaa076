"""Gathers: strided copies, by rows where both sides are contiguous, by transposed blocks where they cross."""

from __future__ import annotations

import numpy as np

from ..expressions import FloatArray
from .jit import compiled
from .pack import Index
from .vectors import LANES, copy_run, transpose


@compiled("void(f4[::1], i8, i8, f4[::1], i8, i8, i8, i8)")
def turn(
    source: FloatArray, origin: int, source_column: int, out: FloatArray, to: int, target_row: int, rows: int,
    columns: int,
) -> None:  # fmt: skip
    """``out[to + r * target_row + c] = source[origin + r + c * source_column]``: whole blocks, then the rest singly."""
    starts = np.empty(LANES, np.int64)
    whole_rows, whole_columns = rows - rows % LANES, columns - columns % LANES
    for c in range(0, whole_columns, LANES):
        for lane in range(LANES):
            starts[lane] = origin + (c + lane) * source_column
        for r in range(0, whole_rows, LANES):
            transpose(source, starts, r, out, to + r * target_row + c, target_row)
    for r in range(rows):
        for c in range(whole_columns if r < whole_rows else 0, columns):
            out[to + r * target_row + c] = source[origin + r + c * source_column]


@compiled("void(f4[::1], i8[::1], i8[::1], i8, i8, i8, i8, i8, i8, i8, i8)")
def copy_planes(
    memory: FloatArray, targets: Index, sources: Index, first: int, last: int, rows: int, columns: int, target_row: int,
    target_column: int, source_row: int, source_column: int,
) -> None:  # fmt: skip
    """Copies planes ``first`` to ``last``.

    For every row r and column c of plane p, the element at ``sources[p] + r * source_row + c * source_column`` goes to
    ``targets[p] + r * target_row + c * target_column``.
    """
    for p in range(first, last):
        to, origin = targets[p], sources[p]
        if target_column == 1 and source_column == 1:
            for r in range(rows):
                copy_run(memory, to + r * target_row, memory, origin + r * source_row, columns)
        elif target_column == 1 and source_row == 1:
            turn(memory, origin, source_column, memory, to, target_row, rows, columns)
        else:
            for r in range(rows):
                for c in range(columns):
                    x = memory[origin + r * source_row + c * source_column]
                    memory[to + r * target_row + c * target_column] = x
