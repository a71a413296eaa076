"""Maps: a small vector machine whose registers are blocks of memory.

A map's postfix code is compiled (``execute``) to a table of instructions over numbered registers. The machine computes
BLOCK outputs at a time: it loads operands into registers, runs every instruction over the whole block while it lies in
the cache, and the last one writes the output. Loading does the broadcasting: over the innermost ``inner`` outputs an
operand advances by a fixed stride; ``rows`` holds where it starts for each such run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..expressions import EXP_HIGH, EXP_LOW, LN2_HIGH, LN2_LOW, LOG2_E, MAGIC, MAGIC_BITS, TAYLOR, Code, FloatArray
from .jit import compiled
from .pack import Index
from .vectors import bits_of_float, float_of_bits

Table = NDArray[np.int64]

BLOCK = 512  # outputs at a time: a dozen registers fit the first-level cache
OUTPUT = -1  # the register that is the output itself

_ADD, _SUB, _MUL, _DIV, _SQRT = (int(c) for c in (Code.ADD, Code.SUB, Code.MUL, Code.DIV, Code.SQRT))
_GT, _EQ, _SELECT, _RELU, _EXP = (int(c) for c in (Code.GT, Code.EQ, Code.SELECT, Code.RELU, Code.EXP))
_C0, _C1, _C2, _C3, _C4, _C5, _C6 = TAYLOR
_ZERO, _ONE = np.float32(0), np.float32(1)
_SIGNLESS, _INFINITE = np.uint32(0x7FFFFFFF), np.uint32(0x7F800000)
_BIAS, _MANTISSA = np.uint32(127), np.uint32(23)


@compiled("f4(f4)")
def exponential(x: np.float32) -> np.float32:
    """The polynomial of :func:`pol_oracle.canonical.expressions.exponential`, for one element."""
    x = EXP_LOW if x < EXP_LOW else x
    x = EXP_HIGH if x > EXP_HIGH else x
    shifted = x * LOG2_E + MAGIC
    k = shifted - MAGIC
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    y = _C0 * r + _C1
    y = y * r + _C2
    y = y * r + _C3
    y = y * r + _C4
    y = y * r + _C5
    y = y * r + _C6
    power = np.uint32(bits_of_float(shifted) - MAGIC_BITS + _BIAS) << _MANTISSA
    return y * float_of_bits(np.uint32(power))


@compiled("void(f4[::1], i8, i8, i8, i8[::1], i8, i8, i8)")
def _load(memory: FloatArray, to: int, base: int, stride: int, rows: Index, inner: int, first: int, count: int) -> None:
    """Fills a register with what one operand is for the outputs first, first + 1, ..."""
    row, at = first // inner, first % inner
    done = 0
    while done < count:
        run = min(inner - at, count - done)
        source, target = base + rows[row] + at * stride, to + done
        if stride == 0:
            value = memory[source]
            for i in range(run):
                memory[target + i] = value
        elif stride == 1:
            for i in range(run):
                memory[target + i] = memory[source + i]
        else:
            for i in range(run):
                memory[target + i] = memory[source + i * stride]
        done += run
        row += 1
        at = 0


@compiled("void(f4[::1], i8, i8, i8, i8, i8, i8)")
def _apply(m: FloatArray, code: int, to: int, a: int, b: int, c: int, count: int) -> None:
    """One instruction over a block. ``to`` is never one of the arguments, so that loops become vector code."""
    if code == _ADD:
        for i in range(count):
            m[to + i] = m[a + i] + m[b + i]
    elif code == _SUB:
        for i in range(count):
            m[to + i] = m[a + i] - m[b + i]
    elif code == _MUL:
        for i in range(count):
            m[to + i] = m[a + i] * m[b + i]
    elif code == _DIV:
        for i in range(count):
            m[to + i] = m[a + i] / m[b + i]
    elif code == _SELECT:
        for i in range(count):
            m[to + i] = m[b + i] if m[a + i] != _ZERO else m[c + i]
    elif code == _RELU:  # a NaN is not <= 0 and stays; -0 is
        for i in range(count):
            m[to + i] = _ZERO if m[a + i] <= _ZERO else m[a + i]
    elif code == _GT:
        for i in range(count):
            m[to + i] = _ONE if m[a + i] > m[b + i] else _ZERO
    elif code == _EQ:
        for i in range(count):
            m[to + i] = _ONE if m[a + i] == m[b + i] else _ZERO
    elif code == _SQRT:
        for i in range(count):
            m[to + i] = np.sqrt(m[a + i])
    elif code == _EXP:
        for i in range(count):
            m[to + i] = exponential(m[a + i])
    else:  # a map that only copies
        for i in range(count):
            m[to + i] = m[a + i]


@compiled("b1(u4[::1], i8, i8)")
def all_finite(bits: NDArray[np.uint32], first: int, last: int) -> bool:
    """Says whether no binary32 in ``bits[first:last]`` is an infinity or a NaN."""
    worst = np.uint32(0)
    for i in range(first, last):
        worst = max(worst, bits[i] & _SIGNLESS)
    return bool(worst < _INFINITE)


@compiled("b1(f4[::1], u4[::1], i8, i8, i8[:, ::1], i8[:, ::1], i8, i8[:, ::1], i8, i8)")
def run_map(
    memory: FloatArray,
    bits: NDArray[np.uint32],
    out: int,
    registers: int,
    loads: Table,
    rows: Table,
    inner: int,
    instructions: Table,
    first: int,
    last: int,
) -> bool:
    """Computes outputs ``first`` to ``last`` of a map; with no instructions, only looks at them.

    Args:
        memory: all tensors, and the registers.
        bits: the same memory.
        out: address of the output.
        registers: address of register 0; each is BLOCK floats.
        loads: one row per loaded register: address of its operand, inner stride.
        rows: for each of them, where every run of ``inner`` outputs starts.
        inner: outputs per run.
        instructions: rows of code, target, and up to three arguments, all registers.
        first: flat output.
        last: flat output, exclusive.

    Returns:
        False if a NaN or an infinity is among the outputs.
    """
    finite = True
    if instructions.shape[0] == 0:
        return all_finite(bits, out + first, out + last)
    for at in range(first, last, BLOCK):
        count = min(BLOCK, last - at)
        for r in range(loads.shape[0]):
            _load(memory, registers + r * BLOCK, loads[r, 0], loads[r, 1], rows[r], inner, at, count)
        for i in range(instructions.shape[0]):
            code, to, a, b, c = instructions[i]
            target = out + at if to == OUTPUT else registers + to * BLOCK
            a, b, c = registers + a * BLOCK, registers + b * BLOCK, registers + c * BLOCK
            _apply(memory, code, target, a, b, c, count)
        finite &= all_finite(bits, out + at, out + at + count)
    return finite
