"""Splits a gather into strided copies of planes, for ``kernels.layout``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product as combinations

from ..kernels.pack import Index
from ..operations import Axis, Operation, strides
from .machine import flat_index


@dataclass(frozen=True)
class Planes:
    """Equal planes to copy.

    Attributes:
        targets: address where each is written.
        sources: address where each is read.
        steps: rows and columns of a plane; elements between neighbouring rows and columns of the target, then of the
            source.
    """

    targets: Index
    sources: Index
    steps: tuple[int, int, int, int, int, int]


@dataclass
class _Part:
    """A strided copy: addresses, and per dimension extent and both strides."""

    target: int
    source: int
    dimensions: list[tuple[int, int, int]]


def plan_gather(operation: Operation, source: int, out: int) -> Iterator[Planes]:
    """Yields the copies that make up a gather.

    Where a source coordinate depends on several output dimensions (im2col: tap and pixel), all but the longest are
    walked one by one, and so is a dimension that several coordinates depend on; what is left is one arithmetic
    progression per dimension. Places that do not exist are left out.

    Args:
        operation: a gather.
        source: address of what it reads.
        out: address of its output.
    """
    uses = [[i for i, f in enumerate(axis.factors) if f and operation.shape[i] > 1] for axis in operation.axes]
    walked = {i for i in range(len(operation.shape)) if sum(i in used for used in uses) > 1}
    for used in uses:
        free = [i for i in used if i not in walked]
        walked.update(sorted(free, key=lambda i: operation.shape[i])[:-1])
    for fixed in combinations(*(range(n) if i in walked else (0,) for i, n in enumerate(operation.shape))):
        part = _part(operation, source, out, fixed, walked)
        if part is not None:
            yield _planes(part)


def _part(operation: Operation, source: int, out: int, fixed: tuple[int, ...], walked: set[int]) -> _Part | None:
    """The copy with the walked coordinates fixed, or None if no place exists."""
    to = strides(operation.shape)
    found = {i: (0, n, 1) for i, n in enumerate(operation.shape) if i not in walked}  # first, count, step
    steps, origin = dict.fromkeys(found, 0), source
    for axis in operation.axes:
        free = next((i for i, f in enumerate(axis.factors) if f and i in found and operation.shape[i] > 1), None)
        places = _existing(axis, fixed, free, 1 if free is None else operation.shape[free])
        if not places:
            return None
        origin += places[0][1]
        if free is not None:
            step = places[1][0] - places[0][0] if len(places) > 1 else 1
            found[free] = (places[0][0], len(places), step)
            steps[free] = places[1][1] - places[0][1] if len(places) > 1 else 0
    target = out + sum(to[i] * fixed[i] for i in walked) + sum(to[i] * first for i, (first, _, _) in found.items())
    dimensions = [(count, to[i] * step, steps[i]) for i, (_, count, step) in found.items() if count > 1]
    return _Part(target, origin, dimensions)


def _existing(axis: Axis, fixed: tuple[int, ...], free: int | None, extent: int) -> list[tuple[int, int]]:
    """(coordinate, part of the source index) for all values of the free coordinate that have a place."""
    found = []
    for c in range(extent):
        at = axis.at([c if i == free else value for i, value in enumerate(fixed)])
        if at is not None:
            found.append((c, at))
    return found


def _planes(part: _Part) -> Planes:
    """Merges dimensions that run on in both tensors; columns run in the target, rows best in the source."""
    merged: list[tuple[int, int, int]] = []
    for count, to, step in reversed(part.dimensions):
        if merged and (to, step) == (merged[-1][1] * merged[-1][0], merged[-1][2] * merged[-1][0]):
            merged[-1] = (merged[-1][0] * count, *merged[-1][1:])
        else:
            merged.append((count, to, step))
    columns = merged.pop(0) if merged else (1, 1, 1)
    contiguous = next((i for i, d in enumerate(merged) if d[2] == 1), None)
    rows = (1, 0, 0)
    if merged:
        rows = merged.pop(contiguous if contiguous is not None and columns[2] != 1 else 0)
    outer = merged[::-1]
    extents = [count for count, _, _ in outer]
    return Planes(
        targets=flat_index(extents, [to for _, to, _ in outer]) + part.target,
        sources=flat_index(extents, [step for _, _, step in outer]) + part.source,
        steps=(rows[0], columns[0], rows[1], columns[1], rows[2], columns[2]),
    )
