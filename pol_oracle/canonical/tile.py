"""The inner tile of a matrix product, written in LLVM IR so that its sums stay in vector registers.

numba's own code generation keeps sums in memory. Here every multiplication and every addition is an instruction of
its own without fast-math flags, so LLVM may neither fuse nor reorder them; the width of the machine's vectors does not
show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

LANES = 16  # columns: one AVX-512 register, two AVX2 ones
ROWS = 6  # sums per column: fills AVX2's sixteen registers

_FLOAT = ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
cgutils: Any = _cgutils
_typed: Callable[[Callable[..., Any]], Callable[..., Any]] = intrinsic


class _Emitter:
    """Addresses of the three operands of one tile."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.builder = builder
        arrays = zip(signature.args[:3], arguments[:3], strict=True)
        self.a, self.b, self.out = (context.make_array(t)(context, builder, v).data for t, v in arrays)
        self.a_at, self.a_step, self.b_at, self.out_at, self.out_step, self.terms, self.add = arguments[3:]

    def offset(self, base: Any, row: int, step: Any) -> Any:
        return self.builder.add(base, self.builder.mul(ir.Constant(ir.IntType(64), row), step))

    def scalar(self, row: int, k: Any) -> Any:
        """``a[row, k]`` in every lane."""
        at = self.builder.add(self.offset(self.a_at, row, self.a_step), k)
        value = self.builder.load(self.builder.gep(self.a, [at]))
        single = self.builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return self.builder.shuffle_vector(single, ir.Constant(_VECTOR, ir.Undefined), lanes)

    def vector(self, base: Any, at: Any) -> Any:
        """Pointer to LANES floats."""
        return self.builder.bitcast(self.builder.gep(base, [at]), _VECTOR.as_pointer())

    def emit(self) -> None:
        builder = self.builder
        zero = ir.Constant(_VECTOR, [ir.Constant(_FLOAT, 0.0)] * LANES)
        sums = [cgutils.alloca_once_value(builder, zero) for _ in range(ROWS)]
        for total in sums:
            builder.store(zero, total)
        with cgutils.for_range(builder, self.terms) as loop:
            at = builder.add(self.b_at, builder.mul(loop.index, ir.Constant(ir.IntType(64), LANES)))
            b = builder.load(self.vector(self.b, at), align=4)
            for row, total in enumerate(sums):
                term = builder.fmul(self.scalar(row, loop.index), b)
                builder.store(builder.fadd(builder.load(total), term), total)
        targets = [self.vector(self.out, self.offset(self.out_at, row, self.out_step)) for row in range(ROWS)]
        with builder.if_else(self.add) as (further, first):
            with further:
                for target, total in zip(targets, sums, strict=True):
                    added = builder.fadd(builder.load(target, align=4), builder.load(total))
                    builder.store(added, target, align=4)
            with first:
                for target, total in zip(targets, sums, strict=True):
                    builder.store(builder.load(total), target, align=4)


@_typed
def tile(
    _context: Any, a: Any, b: Any, out: Any, a_at: Any, a_step: Any, b_at: Any, out_at: Any, out_step: Any, terms: Any,
    add: Any,
) -> Any:  # fmt: skip
    """Sums ``terms`` products for ROWS x LANES outputs from +0 and stores them, or adds them to what is stored.

    ``out[out_at + r * out_step + l] (+)= sum over k of a[a_at + r * a_step + k] * b[b_at + k * LANES + l]``; a, b and
    out are flat float32 arrays.
    """
    integer = types.int64
    signature = types.void(a, b, out, integer, integer, integer, integer, integer, integer, types.boolean)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _Emitter(context, builder, signature, arguments).emit()
        return context.get_dummy_value()

    return signature, generate


@_typed
def copy_run(_context: Any, target: Any, target_at: Any, source: Any, source_at: Any, count: Any) -> Any:
    """Copies ``count`` floats between flat arrays that do not overlap, without numba's checks for overlap."""
    integer = types.int64
    signature = types.void(target, integer, source, integer, integer)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        to, to_at, origin, origin_at, number = arguments
        to = context.make_array(signature.args[0])(context, builder, to).data
        origin = context.make_array(signature.args[2])(context, builder, origin).data
        to, origin = builder.gep(to, [to_at]), builder.gep(origin, [origin_at])
        cgutils.raw_memcpy(builder, to, origin, number, ir.Constant(ir.IntType(64), 4))
        return context.get_dummy_value()

    return signature, generate
