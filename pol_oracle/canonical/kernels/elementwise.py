"""Maps: a small vector machine whose registers are blocks of memory.

A map's postfix code is compiled (``execute``) to a table of instructions over numbered registers. The machine computes
BLOCK outputs at a time: it loads operands into registers, runs every instruction over the whole block while it lies in
the cache; the last one writes the output. Loading does the broadcasting: over the innermost ``inner`` outputs an
operand advances by a fixed stride; ``rows`` holds where it starts for each such run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..expressions import FloatArray
from .instructions import execute, finite
from .jit import compiled
from .pack import Index
from .vectors import LANES, copy_run

Table = NDArray[np.int64]

BLOCK = 512  # outputs at a time: a dozen registers fit the first-level cache
REGISTERS = 24  # enough for every expression of six operands that a layer writes
RESULT = REGISTERS - 1  # the last instruction's, and no other's: it may stand for the output itself
GENERAL, CONSTANT, PERIODIC, CONTIGUOUS = range(4)


@compiled("void(f4[::1], i8, i8, i8, i8[::1], i8, i8, i8)")
def _load(memory: FloatArray, to: int, base: int, stride: int, rows: Index, inner: int, first: int, count: int) -> None:
    """Fills a register with what one operand is for the outputs first, first + 1, ..."""
    row, at = first // inner, first % inner
    done = 0
    while done < count:
        run = min(inner - at, count - done)
        source, target = base + rows[row] + at * stride, memory[to + done : to + done + run]
        if stride == 0:
            target[:] = memory[source]
        elif stride == 1:
            copy_run(memory, to + done, memory, source, run)
        else:
            for i in range(run):
                target[i] = memory[source + i * stride]
        done += run
        row += 1
        at = 0


@compiled("b1(f4[::1], i8, i8, i8[:, ::1], i8[:, ::1], i8, i8[:, ::1], i8, i8)")
def run_map(
    memory: FloatArray, out: int, registers: int, loads: Table, rows: Table, inner: int, instructions: Table,
    first: int, last: int,
) -> bool:  # fmt: skip
    """Computes outputs ``first`` to ``last`` of a map; with no instructions, only looks at them.

    Args:
        memory: all tensors, and the registers.
        out: address of the output.
        registers: address of register 0; each is BLOCK floats.
        loads: one row per loaded register: address of its operand, inner stride, and how the operand runs over the
            outputs: CONSTANT, PERIODIC (again from the start after every ``inner`` outputs), CONTIGUOUS or GENERAL.
        rows: for each of them, where every run of ``inner`` outputs starts.
        inner: outputs per run.
        instructions: rows of code, target and three arguments (those not needed are 0), all registers; the last
            target is RESULT.
        first: flat output.
        last: flat output, exclusive.

    Returns:
        False if a NaN or an infinity is among the outputs.
    """
    steps = instructions.shape[0]
    if steps == 0:
        return bool(finite(memory, out + first, last - first))
    good, aligned = True, BLOCK % inner == 0 and first % inner == 0
    places = registers + BLOCK * np.arange(REGISTERS)
    for r in range(loads.shape[0]):
        if loads[r, 2] == CONSTANT:
            memory[places[r] : places[r] + BLOCK] = memory[loads[r, 0]]
        elif loads[r, 2] == PERIODIC and aligned:  # the same in every block
            _load(memory, places[r], loads[r, 0], loads[r, 1], rows[r], inner, first, min(BLOCK, last - first))
    for at in range(first, last, BLOCK):
        count = min(BLOCK, last - at)
        for r in range(loads.shape[0]):
            if loads[r, 2] == CONTIGUOUS:  # read where it lies
                places[r] = loads[r, 0] + at
            elif loads[r, 2] == GENERAL or (loads[r, 2] == PERIODIC and not aligned):
                _load(memory, places[r], loads[r, 0], loads[r, 1], rows[r], inner, at, count)
        whole = count % LANES == 0  # else vectors would not end where the output does
        places[RESULT] = out + at if whole else registers + RESULT * BLOCK
        for i in range(steps):
            code, to, a, b, c = instructions[i]
            execute(memory, code, places[to], places[a], places[b], places[c], count)
        good &= finite(memory, places[RESULT], count)
        if not whole:
            copy_run(memory, out + at, memory, places[RESULT], count)
    return good
