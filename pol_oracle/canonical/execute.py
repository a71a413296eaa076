"""Runs a program: one memory block for all its tensors, one bound call or more per operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product as combinations
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import kernels
from .expressions import FloatArray
from .maps import bind_map
from .operations import Axis, Kind, Operation, View
from .programs import Program
from .scratch import Scratch
from .tile import LANES, ROWS

Call = Callable[[], None]
Side = tuple[FloatArray, kernels.Index, kernels.Index]  # of a product: values, start per output, step per term

ALIGNMENT = 16  # floats; a cache line
PAGE = 4096  # bytes
MANY = 1 << 16  # elements from which a copy is worth cutting
BLOCK = 16  # elements of one cut


class Workspace:
    """Memory and bound kernels of one program. Not for two threads at once.

    All tensors live in one block: the state's first, packed as in ``State.flat``, and the new state's last, packed
    likewise. Places that a gather leaves out are zero from the start and stay so.

    Args:
        program: what is run.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        shapes = program.shapes
        self._offsets = _layout(program)
        self._flat: FloatArray = np.zeros(self._offsets[-1] + prod(shapes[-1]), np.float32)
        self.tensors = tuple(
            self._flat[at : at + prod(shape)].reshape(shape) for at, shape in zip(self._offsets, shapes, strict=True)
        )
        self.state = self._flat[: sum(prod(s) for s in program.state)]
        self.post = self._flat[self._offsets[-program.posts] :] if program.posts else self._flat[:0]
        self._computed = self._flat[self._offsets[program.first] :].view(np.uint32)
        scratch = Scratch()
        self._calls: list[Call] = []
        for number, operation in enumerate(program.operations, program.first):
            self._calls += self._bind(operation, self.tensors[number], scratch)

    def run(self) -> bool:
        """Computes every operation's tensor from the inputs in :attr:`tensors`.

        Returns:
            False if a NaN or an infinity is among what was computed.
        """
        with np.errstate(all="ignore"):
            for call in self._calls:
                call()
        return bool(kernels.all_finite(self._computed))

    def _source(self, view: View) -> FloatArray:
        """The operand's tensor from the view's offset on."""
        return self.tensors[view.tensor].reshape(-1)[view.offset :]

    def _bind(self, operation: Operation, out: FloatArray, scratch: Scratch) -> Sequence[Call]:
        flat = out.reshape(-1)
        sources = [self._source(v) for v in operation.operands]
        match operation.kind:
            case Kind.GATHER:
                return [_copy_call(*pair) for pair in gather_parts(operation, sources[0], out)]
            case Kind.MAP:
                return bind_map(operation, sources, out, scratch)
            case Kind.DOT:
                return _bind_dot(operation, sources, flat, scratch)
        (view,) = operation.operands
        start, step = flat_index(operation.shape, view.out), flat_index(operation.reduction, view.red)
        if operation.kind is Kind.SUM:
            return [lambda: kernels.sum_rows(sources[0], start, step, flat)]
        return [lambda: kernels.max_rows(sources[0], start, step, flat, operation.kind is Kind.ARGMAX)]


def _layout(program: Program) -> list[int]:
    """Offsets of all tensors, in floats; the state's and the new state's tensors are packed."""
    offsets, at = [], 0
    packed_from = len(program.shapes) - program.posts
    for number, shape in enumerate(program.shapes):
        if len(program.state) <= number <= packed_from:
            at = -(-at // ALIGNMENT) * ALIGNMENT
        offsets.append(at)
        at += prod(shape)
    return offsets


def flat_index(shape: Sequence[int], strides: Sequence[int]) -> kernels.Index:
    """Returns sum_i strides[i] * c[i] for all coordinates c of ``shape``, row-major, int64."""
    index = np.zeros(1, np.int64)
    for extent, stride in zip(shape, strides, strict=True):
        index = (index[:, None] + stride * np.arange(extent, dtype=np.int64)).reshape(-1)
    return index


def _copy_call(target: FloatArray, source: FloatArray) -> Call:
    return lambda: np.copyto(target, source)


def gather_parts(operation: Operation, source: FloatArray, out: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Splits a gather into strided copies; yields pairs of views (target, source).

    Where a source coordinate depends on several output dimensions (im2col: tap and pixel), all but the longest are
    walked one by one, and so is a dimension that several coordinates depend on; what is left is one arithmetic
    progression per dimension.
    """
    uses = [[i for i, f in enumerate(axis.factors) if f and operation.shape[i] > 1] for axis in operation.axes]
    walked = {i for i in range(len(operation.shape)) if sum(i in used for used in uses) > 1}
    for used in uses:
        free = [i for i in used if i not in walked]
        walked.update(sorted(free, key=lambda i: operation.shape[i])[:-1])
    for fixed in combinations(*(range(n) if i in walked else (0,) for i, n in enumerate(operation.shape))):
        part = _part(operation, source, out, fixed, walked)
        if part is not None:
            yield from _blocks(*part)


def _part(
    operation: Operation, source: FloatArray, out: FloatArray, fixed: tuple[int, ...], walked: set[int]
) -> tuple[FloatArray, FloatArray] | None:
    """The strided copy with the walked coordinates fixed, or None if no place exists."""
    cuts = [
        slice(c, c + 1) if i in walked else slice(0, n)
        for i, (c, n) in enumerate(zip(fixed, operation.shape, strict=True))
    ]
    steps, offset = [0] * len(operation.shape), 0
    for axis in operation.axes:
        free = next((i for i, f in enumerate(axis.factors) if f and operation.shape[i] > 1 and i not in walked), None)
        extent = 1 if free is None else operation.shape[free]
        found = _existing(axis, fixed, free, extent)
        if found is None:
            return None
        cut, start, step = found
        offset += start
        if free is not None:
            cuts[free], steps[free] = cut, step
    target = out[tuple(cuts)]
    view = as_strided(source[offset:], target.shape, [4 * s for s in steps], writeable=False)
    return target, view


def _blocks(target: FloatArray, source: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Cuts a large copy that reads far apart along its last dimension, so that the pages it touches stay mapped."""
    width = target.shape[-1]
    if abs(source.strides[-1]) < PAGE or target.size < MANY:
        yield target, source
        return
    for at in range(0, width, BLOCK):
        yield target[..., at : at + BLOCK], source[..., at : at + BLOCK]


def _existing(axis: Axis, fixed: tuple[int, ...], free: int | None, extent: int) -> tuple[slice, int, int] | None:
    """Which values of the free coordinate have a place: (their slice, first source index, source step)."""
    found = []
    for c in range(extent):
        at = axis.at([c if i == free else value for i, value in enumerate(fixed)])
        if at is not None:
            found.append((c, at))
    if not found:
        return None
    (first, start), (last, _) = found[0], found[-1]
    if len(found) == 1:
        return slice(first, first + 1), start, 0
    return slice(first, last + 1, found[1][0] - first), start, found[1][1] - start


def _bind_dot(operation: Operation, sources: Sequence[FloatArray], out: FloatArray, scratch: Scratch) -> list[Call]:
    """A product of two matrices where each operand varies along dimensions of its own, else row by row."""
    a, b = operation.operands
    steps = [flat_index(operation.reduction, v.red) for v in (a, b)]
    split = _split(operation)
    if split is None:
        starts = [flat_index(operation.shape, v.out) for v in (a, b)]
        return [lambda: kernels.dot_rows(sources[0], starts[0], steps[0], sources[1], starts[1], steps[1], out)]
    rows = flat_index(operation.shape[:split], a.out[:split])
    columns = flat_index(operation.shape[split:], b.out[split:])
    target = out.reshape(rows.size, columns.size)
    first, second = (sources[0], rows, steps[0]), (sources[1], columns, steps[1])
    if _cost(first, second, transposed=False) <= _cost(second, first, transposed=True):
        return _bind_product(first, second, target, scratch)
    return _bind_product(second, first, target.T, scratch)


def _split(operation: Operation) -> int | None:
    """The dimension from which on only the second operand varies, while before it only the first does."""
    a, b = operation.operands
    wide = [n > 1 for n in operation.shape]
    for split in range(len(wide) + 1):
        second_still = not any(w and s for w, s in zip(wide[:split], b.out[:split], strict=True))
        if second_still and not any(w and s for w, s in zip(wide[split:], a.out[split:], strict=True)):
            return split
    return None


def _padded(count: int, group: int) -> int:
    return -(-count // group) * group


def _cost(scalar: Side, vector: Side, *, transposed: bool) -> float:
    """Rough nanoseconds of a product: arithmetic, packing the vector side, writing out across."""
    rows, columns, terms = scalar[1].size, vector[1].size, scalar[2].size
    arithmetic = _padded(rows, ROWS) * _padded(columns, LANES) * terms / 40
    return arithmetic + terms * columns + rows * columns * transposed


def run_ends(step: kernels.Index) -> kernels.Index:
    """Returns for every term where the run of consecutive steps it belongs to ends."""
    breaks = np.flatnonzero(np.diff(step) != 1) + 1
    ends = np.append(breaks, step.size)
    return ends[np.searchsorted(ends, np.arange(step.size), side="right")]


def _bind_product(scalar: Side, vector: Side, target: FloatArray, scratch: Scratch) -> list[Call]:
    """Packs the vector side, multiplies into padded memory, copies the result out."""
    (flat, rows, step), (other, columns, other_step) = scalar, vector
    height, width, terms = _padded(rows.size, ROWS), _padded(columns.size, LANES), step.size
    direct = target.flags.c_contiguous and target.shape == (height, width)
    panels = scratch.take("panels", terms * width)
    result = target.reshape(-1) if direct else scratch.take("product", height * width)
    ends = run_ends(step)

    def run() -> None:
        kernels.pack_columns(other, columns, other_step, panels)
        kernels.product(flat, rows, step, ends, panels, width, result)
        if not direct:
            np.copyto(target, result.reshape(height, width)[: rows.size, : columns.size])

    return [run]
