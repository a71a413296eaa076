"""The sponge of keccak over eight messages side by side, written in LLVM IR: lane l of a vector belongs to message l.

The eight states are one array [25, LANES] of words: row ``x + 5 * y`` is word (x, y) of all of them. LLVM lays a row in
one AVX-512 register, two of AVX2 or four of SSE2; what is computed are integers, so the width does not show.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

LANES = 8  # messages
ROUND_CONSTANTS = (
    *(0x1, 0x8082, 0x800000000000808A, 0x8000000080008000, 0x808B, 0x80000001, 0x8000000080008081),
    *(0x8000000000008009, 0x8A, 0x88, 0x80008009, 0x8000000A, 0x8000808B, 0x800000000000008B),
    *(0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x800A),
    *(0x800000008000000A, 0x8000000080008081, 0x8000000000008080, 0x80000001, 0x8000000080008008),
)
ROTATIONS = (0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14)

_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, LANES)
_HALVES = ir.VectorType(ir.IntType(32), 2 * LANES)
cgutils: Any = _cgutils
_typed: Callable[[Callable[..., Any]], Callable[..., Any]] = intrinsic


def _same(word: int) -> Any:
    """``word`` in every lane."""
    return ir.Constant(_VECTOR, [word] * LANES)


def _call(builder: Any, name: str, *arguments: Any) -> Any:
    """Calls an operation of LLVM's whose operands and result have one type."""
    kind = arguments[0].type
    signature = ir.FunctionType(kind, [kind] * len(arguments))
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), arguments)


def _rotate(builder: Any, x: Any, bits: int) -> Any:
    return _call(builder, f"llvm.fshl.v{LANES}i64", x, x, _same(bits))


def _round(builder: Any, a: list[Any], constant: Any) -> list[Any]:
    """One round of keccak-f[1600] over the rows of the states."""
    c = [reduce(builder.xor, a[x::5]) for x in range(5)]
    d = [builder.xor(c[x - 1], _rotate(builder, c[(x + 1) % 5], 1)) for x in range(5)]
    b = list(a)
    for x in range(5):
        for y in range(5):
            mixed = builder.xor(a[x + 5 * y], d[x])
            b[y + 5 * ((2 * x + 3 * y) % 5)] = _rotate(builder, mixed, ROTATIONS[x + 5 * y])
    out = []
    for y in range(0, 25, 5):
        for x in range(5):
            others = builder.and_(builder.not_(b[y + (x + 1) % 5]), b[y + (x + 2) % 5])
            out.append(builder.xor(b[y + x], others))
    return [builder.xor(out[0], constant), *out[1:]]


def _permutation(module: Any) -> Any:
    """The module's function that does keccak-f[1600] on the states at an address."""
    signature = ir.FunctionType(ir.VoidType(), [_VECTOR.as_pointer()])
    function = cgutils.get_or_insert_function(module, signature, "keccak_f")
    if function.blocks:
        return function
    function.linkage = "internal"
    function.attributes.add("noinline")
    function.attributes.alignstack = 64  # else vectors that find no register lie across cache lines: half the speed
    builder = ir.IRBuilder(function.append_basic_block())
    rows = [builder.gep(function.args[0], [ir.Constant(_WORD, i)]) for i in range(25)]
    # Variables, which LLVM keeps in registers over the loop. Rounds written out would take it long to compile.
    a = [cgutils.alloca_once_value(builder, builder.load(row, align=8)) for row in rows]
    table = ir.Constant(ir.ArrayType(_VECTOR, len(ROUND_CONSTANTS)), [_same(word) for word in ROUND_CONSTANTS])
    constants = cgutils.global_constant(builder, "keccak_round_constants", table)
    with cgutils.for_range(builder, ir.Constant(_WORD, len(ROUND_CONSTANTS))) as loop:
        constant = builder.load(builder.gep(constants, [ir.Constant(_WORD, 0), loop.index]))
        for variable, value in zip(a, _round(builder, [builder.load(x) for x in a], constant), strict=True):
            builder.store(value, variable)
    for row, variable in zip(rows, a, strict=True):
        builder.store(builder.load(variable), row, align=8)
    builder.ret_void()
    return function


def _address(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    return context.make_array(kind)(context, builder, array).data


@_typed
def permute(_context: Any, states: Any) -> Any:
    """Does keccak-f[1600] on every state."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = _address(context, builder, signature.args[0], arguments[0])
        builder.call(_permutation(builder.module), [builder.bitcast(data, _VECTOR.as_pointer())])
        return context.get_dummy_value()

    return types.void(states), generate


@_typed
def mix(_context: Any, states: Any, row: Any, words: Any, starts: Any, k: Any, swap: Any) -> Any:
    """``states[row, l] ^= words[starts[l] + k]`` per lane; ``swap`` reverses the bytes of both halves of a word."""
    signature = types.void(states, types.int64, words, starts, types.int64, types.boolean)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, row, _, _, k, swap = arguments
        data, words, starts = (_address(context, builder, signature.args[i], arguments[i]) for i in (0, 2, 3))
        x = ir.Constant(_VECTOR, ir.Undefined)
        for lane in range(LANES):
            start = builder.load(builder.gep(starts, [ir.Constant(_WORD, lane)]))
            word = builder.load(builder.gep(words, [builder.add(start, k)]))
            x = builder.insert_element(x, word, ir.Constant(ir.IntType(32), lane))
        swapped = _call(builder, f"llvm.bswap.v{2 * LANES}i32", builder.bitcast(x, _HALVES))
        x = builder.select(swap, builder.bitcast(swapped, _VECTOR), x)
        target = builder.gep(builder.bitcast(data, _VECTOR.as_pointer()), [row])
        builder.store(builder.xor(builder.load(target, align=8), x), target, align=8)
        return context.get_dummy_value()

    return signature, generate
