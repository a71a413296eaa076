"""The instructions of maps as vector loops, written in LLVM IR; the arithmetic is that of ``vectors``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from ..expressions import EXP_HIGH, EXP_LOW, LN2_HIGH, LN2_LOW, LOG2_E, MAGIC, MAGIC_BITS, TAYLOR, Code
from .vectors import FLOAT, INTEGER, LANES, VECTOR, WORD, ZERO, cgutils, data, number, typed, vector_at

COPY = 0  # the instruction of a map that only copies

_WORDS = ir.VectorType(WORD, LANES)
_SIGNLESS, _INFINITE = 0x7FFFFFFF, 0x7F800000

Value = Any  # of llvmlite


def _every(value: np.float32 | float) -> Value:
    return ir.Constant(VECTOR, [ir.Constant(FLOAT, float(value))] * LANES)


def _words(value: int) -> Value:
    return ir.Constant(_WORDS, [ir.Constant(WORD, value)] * LANES)


def _square_root(builder: Value, x: Value) -> Value:
    kind = ir.FunctionType(VECTOR, [VECTOR])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f32"), [x])


def _where(builder: Value, relation: str, a: Value, b: Value) -> Value:
    """1 where the ordered relation holds, else +0."""
    return builder.select(builder.fcmp_ordered(relation, a, b), _every(1.0), ZERO)


def _select(builder: Value, condition: Value, a: Value, b: Value) -> Value:
    return builder.select(builder.fcmp_unordered("!=", condition, ZERO), a, b)


def _relu(builder: Value, x: Value) -> Value:
    """A NaN is not <= 0 and stays; -0 is, and becomes +0."""
    return builder.select(builder.fcmp_ordered("<=", x, ZERO), ZERO, x)


def _exponential(builder: Value, x: Value) -> Value:
    """:func:`pol_oracle.canonical.expressions.exponential`, line by line."""
    low, high = _every(EXP_LOW), _every(EXP_HIGH)
    x = builder.select(builder.fcmp_ordered("<", x, low), low, x)
    x = builder.select(builder.fcmp_ordered(">", x, high), high, x)
    shifted = builder.fadd(builder.fmul(x, _every(LOG2_E)), _every(MAGIC))
    k = builder.fsub(shifted, _every(MAGIC))
    r = builder.fsub(x, builder.fmul(k, _every(LN2_HIGH)))
    r = builder.fsub(r, builder.fmul(k, _every(LN2_LOW)))
    y = _every(TAYLOR[0])
    for c in TAYLOR[1:]:
        y = builder.fadd(builder.fmul(y, r), _every(c))
    exponent = builder.sub(builder.bitcast(shifted, _WORDS), _words(int(MAGIC_BITS) - 127))
    return builder.fmul(y, builder.bitcast(builder.shl(exponent, _words(23)), VECTOR))


_INSTRUCTIONS: dict[int, Callable[[Value, Value, Value, Value], Value]] = {
    COPY: lambda _builder, x, _y, _z: x,
    Code.ADD: lambda builder, x, y, _z: builder.fadd(x, y),
    Code.SUB: lambda builder, x, y, _z: builder.fsub(x, y),
    Code.MUL: lambda builder, x, y, _z: builder.fmul(x, y),
    Code.DIV: lambda builder, x, y, _z: builder.fdiv(x, y),
    Code.SQRT: lambda builder, x, _y, _z: _square_root(builder, x),
    Code.GT: lambda builder, x, y, _z: _where(builder, ">", x, y),
    Code.EQ: lambda builder, x, y, _z: _where(builder, "==", x, y),
    Code.SELECT: _select,
    Code.RELU: lambda builder, x, _y, _z: _relu(builder, x),
    Code.EXP: lambda builder, x, _y, _z: _exponential(builder, x),
}


@typed
def execute(_context: Any, memory: Any, code: Any, to: Any, a: Any, b: Any, c: Any, count: Any) -> Any:
    """Runs one instruction over the registers at addresses a, b, c; ``count`` is rounded up to whole vectors."""
    integer = types.int64
    signature = types.void(memory, integer, integer, integer, integer, integer, integer)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, code, to, a, b, c, count = arguments
        memory = data(context, builder, signature.args[0], memory)
        vectors = builder.udiv(builder.add(count, number(LANES - 1)), number(LANES))
        end = builder.append_basic_block("end")
        cases = builder.switch(code, end)
        for opcode, instruction in _INSTRUCTIONS.items():
            block = builder.append_basic_block(f"code_{int(opcode)}")
            cases.add_case(ir.Constant(INTEGER, int(opcode)), block)
            builder.position_at_end(block)
            with cgutils.for_range(builder, vectors) as loop:
                at = builder.mul(loop.index, number(LANES))
                places = [vector_at(builder, memory, builder.add(base, at)) for base in (a, b, c, to)]
                x, y, z = (builder.load(place, align=4) for place in places[:3])
                builder.store(instruction(builder, x, y, z), places[3], align=4)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return signature, generate


@typed
def finite(_context: Any, memory: Any, at: Any, count: Any) -> Any:
    """Says whether none of ``count`` floats is an infinity or a NaN."""
    signature = types.boolean(memory, types.int64, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        memory, at, count = arguments
        memory = builder.gep(data(context, builder, signature.args[0], memory), [at])
        worst = cgutils.alloca_once(builder, _WORDS)
        builder.store(_words(0), worst)
        whole = builder.udiv(count, number(LANES))
        with cgutils.for_range(builder, whole) as loop:
            x = builder.load(vector_at(builder, memory, builder.mul(loop.index, number(LANES))), align=4)
            bits = builder.and_(builder.bitcast(x, _WORDS), _words(_SIGNLESS))
            so_far = builder.load(worst)
            builder.store(builder.select(builder.icmp_unsigned(">", bits, so_far), bits, so_far), worst)
        flags = builder.icmp_unsigned(">=", builder.load(worst), _words(_INFINITE))
        bad = cgutils.alloca_once_value(builder, builder.icmp_unsigned("!=", _mask(builder, flags), _mask_zero()))
        first = builder.mul(whole, number(LANES))
        with cgutils.for_range(builder, builder.sub(count, first)) as loop:
            x = builder.load(builder.gep(memory, [builder.add(first, loop.index)]))
            bits = builder.and_(builder.bitcast(x, WORD), ir.Constant(WORD, _SIGNLESS))
            over = builder.icmp_unsigned(">=", bits, ir.Constant(WORD, _INFINITE))
            builder.store(builder.or_(builder.load(bad), over), bad)
        return builder.not_(builder.load(bad))

    return signature, generate


def _mask(builder: Value, flags: Value) -> Value:
    return builder.bitcast(flags, ir.IntType(LANES))


def _mask_zero() -> Value:
    return ir.Constant(ir.IntType(LANES), 0)
