"""The inner loops that numba's own code generation does not keep in vector registers, written in LLVM IR.

Every multiplication and every addition is an instruction of its own without fast-math flags, so LLVM may neither fuse
nor reorder them; the width of the machine's vectors does not show in any result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

LANES = 16  # outputs side by side: one AVX-512 register, two AVX2 ones

INTEGER, WORD, FLOAT = ir.IntType(64), ir.IntType(32), ir.FloatType()
VECTOR = ir.VectorType(FLOAT, LANES)
_UNDEFINED = ir.Constant(VECTOR, ir.Undefined)
ZERO = ir.Constant(VECTOR, [ir.Constant(FLOAT, 0.0)] * LANES)
cgutils: Any = _cgutils
typed: Callable[[Callable[..., Any]], Callable[..., Any]] = intrinsic


def data(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    """Pointer to an array's first element."""
    return context.make_array(kind)(context, builder, array).data


def vector_at(builder: Any, base: Any, at: Any) -> Any:
    """Pointer to LANES floats."""
    return builder.bitcast(builder.gep(base, [at]), VECTOR.as_pointer())


def number(value: int) -> Any:
    """Constant, as kernels count."""
    return ir.Constant(INTEGER, value)


def _pattern(lanes: Sequence[int]) -> Any:
    return ir.Constant(ir.VectorType(WORD, LANES), list(lanes))


def _spread(builder: Any, value: Any) -> Any:
    """``value`` in every lane."""
    single = builder.insert_element(_UNDEFINED, value, ir.Constant(WORD, 0))
    return builder.shuffle_vector(single, _UNDEFINED, _pattern([0] * LANES))


def _make_tile(rows: int) -> Callable[..., Any]:
    """Returns the tile of ``rows`` x LANES sums."""

    @typed
    def tile(
        _context: Any, a: Any, starts: Any, first: Any, a_at: Any, b: Any, b_at: Any, out: Any, out_at: Any,
        out_step: Any, terms: Any, add: Any,
    ) -> Any:  # fmt: skip
        """Sums ``terms`` products for every output from +0 and stores them, or adds them to what is stored.

        ``out[out_at + r * out_step + l] (+)= sum over k of a[starts[first + r] + a_at + k] * b[b_at + k * LANES + l]``;
        a, b and out are flat float32 arrays.
        """
        n = types.int64
        signature = types.void(a, starts, n, n, b, n, out, n, n, n, types.boolean)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, starts, first, a_at, b, b_at, out, out_at, out_step, terms, add = arguments
            a, starts, b, out = (data(context, builder, signature.args[i], arguments[i]) for i in (0, 1, 4, 6))
            sums = [cgutils.alloca_once(builder, VECTOR) for _ in range(rows)]
            for total in sums:
                builder.store(ZERO, total)
            starts, a = builder.gep(starts, [first]), builder.gep(a, [a_at])
            lefts = [builder.gep(a, [builder.load(builder.gep(starts, [number(row)]))]) for row in range(rows)]
            with cgutils.for_range(builder, terms) as loop:
                at = builder.add(b_at, builder.mul(loop.index, number(LANES)))
                right = builder.load(vector_at(builder, b, at), align=4)
                for left, total in zip(lefts, sums, strict=True):
                    value = _spread(builder, builder.load(builder.gep(left, [loop.index])))
                    builder.store(builder.fadd(builder.load(total), builder.fmul(value, right)), total)
            places = [builder.add(out_at, builder.mul(number(row), out_step)) for row in range(rows)]
            targets = [vector_at(builder, out, place) for place in places]
            with builder.if_else(add) as (further, only):
                with further:
                    for target, total in zip(targets, sums, strict=True):
                        added = builder.fadd(builder.load(target, align=4), builder.load(total))
                        builder.store(added, target, align=4)
                with only:
                    for target, total in zip(targets, sums, strict=True):
                        builder.store(builder.load(total), target, align=4)
            return context.get_dummy_value()

        return signature, generate

    return tile


ROWS = 6  # of the main tile: its sums fill AVX2's sixteen registers
tile_6, tile_4, tile_2, tile_1 = (_make_tile(rows) for rows in (ROWS, 4, 2, 1))


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """The columns of a LANES x LANES block: four rounds, each interleaving row i with row i + LANES / 2."""
    half = LANES // 2
    low = _pattern([x for i in range(half) for x in (i, LANES + i)])
    high = _pattern([x for i in range(half, LANES) for x in (i, LANES + i)])
    for _ in range(LANES.bit_length() - 1):
        pairs = zip(rows[:half], rows[half:], strict=True)
        rows = [builder.shuffle_vector(x, y, which) for x, y in pairs for which in (low, high)]
    return rows


@typed
def transpose(_context: Any, source: Any, starts: Any, at: Any, out: Any, out_at: Any, out_step: Any) -> Any:
    """Copies a LANES x LANES block: ``out[out_at + k * out_step + l] = source[starts[l] + at + k]``."""
    integer = types.int64
    signature = types.void(source, starts, integer, out, integer, integer)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source, starts, at, out, out_at, out_step = arguments
        source = data(context, builder, signature.args[0], source)
        starts = data(context, builder, signature.args[1], starts)
        out = data(context, builder, signature.args[3], out)
        rows = []
        for lane in range(LANES):
            start = builder.load(builder.gep(starts, [number(lane)]))
            rows.append(builder.load(vector_at(builder, source, builder.add(start, at)), align=4))
        for k, column in enumerate(_transposed(builder, rows)):
            target = builder.add(out_at, builder.mul(number(k), out_step))
            builder.store(column, vector_at(builder, out, target), align=4)
        return context.get_dummy_value()

    return signature, generate


def _make_panel_sum(factors: int) -> Callable[..., Any]:
    """Returns the sum over a panel, or over the product of two."""

    @typed
    def panel_sum(_context: Any, a: Any, a_at: Any, b_at: Any, terms: Any, totals: Any) -> Any:
        """Adds to ``totals[l]`` the sum from +0 over ``terms`` of ``a[a_at + k * LANES + l] (* a[b_at + ...])``."""
        integer = types.int64
        signature = types.void(a, integer, integer, integer, totals)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            panels, a_at, b_at, terms, totals = arguments
            panels = data(context, builder, signature.args[0], panels)
            totals = vector_at(builder, data(context, builder, signature.args[4], totals), number(0))
            chunk = cgutils.alloca_once(builder, VECTOR)
            builder.store(ZERO, chunk)
            with cgutils.for_range(builder, terms) as loop:
                at = builder.mul(loop.index, number(LANES))
                term = builder.load(vector_at(builder, panels, builder.add(a_at, at)), align=4)
                if factors == 2:
                    other = builder.load(vector_at(builder, panels, builder.add(b_at, at)), align=4)
                    term = builder.fmul(term, other)
                builder.store(builder.fadd(builder.load(chunk), term), chunk)
            builder.store(builder.fadd(builder.load(totals, align=4), builder.load(chunk)), totals, align=4)
            return context.get_dummy_value()

        return signature, generate

    return panel_sum


panel_sum, panel_dot = _make_panel_sum(1), _make_panel_sum(2)


@typed
def panel_max(_context: Any, panel: Any, terms: Any, best: Any, places: Any) -> Any:
    """Writes the greatest of ``panel[k * LANES + l]`` over k to ``best[l]``, and its first k to ``places[l]``.

    A later term takes over only where it compares greater, so a NaN never does.
    """
    signature = types.void(panel, types.int64, best, places)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        panel, best, places = (data(context, builder, signature.args[i], arguments[i]) for i in (0, 2, 3))
        best, places = (vector_at(builder, x, number(0)) for x in (best, places))
        builder.store(builder.load(vector_at(builder, panel, number(0)), align=4), best, align=4)
        builder.store(ZERO, places, align=4)
        with cgutils.for_range(builder, arguments[1]) as loop:
            x = builder.load(vector_at(builder, panel, builder.mul(loop.index, number(LANES))), align=4)
            so_far, place = builder.load(best, align=4), builder.load(places, align=4)
            more = builder.fcmp_ordered(">", x, so_far)
            builder.store(builder.select(more, x, so_far), best, align=4)
            k = _spread(builder, builder.sitofp(loop.index, FLOAT))
            builder.store(builder.select(more, k, place), places, align=4)
        return context.get_dummy_value()

    return signature, generate


@typed
def copy_run(_context: Any, target: Any, target_at: Any, source: Any, source_at: Any, count: Any) -> Any:
    """Copies ``count`` floats between places that do not overlap, without numba's checks for overlap."""
    integer = types.int64
    signature = types.void(target, integer, source, integer, integer)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        to, to_at, origin, origin_at, length = arguments
        to = builder.gep(data(context, builder, signature.args[0], to), [to_at])
        origin = builder.gep(data(context, builder, signature.args[2], origin), [origin_at])
        cgutils.raw_memcpy(builder, to, origin, length, number(4))
        return context.get_dummy_value()

    return signature, generate
