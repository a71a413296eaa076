"""Emits operations and hands out tensors; knows shapes and strides, not layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from ..expressions import Expression, operand
from ..operations import MAX_OPERANDS, AffineView, Axis, Kind, Operation, strides
from .program import Program


@dataclass(frozen=True)
class Tensor:
    """A tensor of a program: its number and its row-major shape."""

    number: int
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def strides(self) -> tuple[int, ...]:
        """Row-major strides, in elements."""
        return strides(self.shape)

    def whole(self) -> AffineView:
        """The view of an operation whose output has this tensor's shape."""
        return AffineView(self.number, 0, self.strides)

    def across(self, dimensions: Sequence[int], rank: int) -> AffineView:
        """The broadcast view of an output of ``rank``.

        This tensor's dimension i runs along output dimension ``dimensions[i]``; along all others it repeats.
        """
        out = [0] * rank
        for dimension, stride in zip(dimensions, self.strides, strict=True):
            out[dimension] = stride
        return AffineView(self.number, 0, tuple(out))

    def view(self, out: Sequence[int], red: Sequence[int] = (), offset: int = 0) -> AffineView:
        """A view with explicit strides."""
        return AffineView(self.number, offset, tuple(out), tuple(red))


@dataclass(frozen=True)
class Place:
    """How output coordinates lead to one source coordinate of a gather: (base + sum factor * c) / divisor."""

    factors: Mapping[int, int]
    base: int = 0
    divisor: int = 1


@dataclass(frozen=True)
class Reduction:
    """A reduction that is still to be emitted.

    Attributes:
        kind: DOT, SUM, MAX or ARGMAX.
        shape: of the output.
        extents: of the reduction index.
        operands: the reduced views.
    """

    kind: Kind
    shape: tuple[int, ...]
    extents: tuple[int, ...]
    operands: tuple[AffineView, ...]


@dataclass(frozen=True)
class Tail:
    """What a reduction's result becomes: an expression of it (operand 0) and of ``operands`` (1, 2, ...)."""

    expression: Expression
    operands: tuple[AffineView, ...] = ()


def _check_operands(count: int) -> None:
    if count > MAX_OPERANDS:
        raise ValueError(f"an expression has at most {MAX_OPERANDS} operands, not {count}")


class Builder:
    """Collects the operations of one program.

    Args:
        state: shapes of the state's tensors, which get the numbers 0, 1, ...
        batch: shapes of images and labels, which get the numbers after them.
    """

    def __init__(self, state: Sequence[tuple[int, ...]], batch: Sequence[tuple[int, ...]]) -> None:
        shapes = [*state, *batch]
        inputs = [Tensor(i, shape) for i, shape in enumerate(shapes)]
        self.state, self.batch = inputs[: len(state)], inputs[len(state) :]
        self._operations: list[Operation] = []

    def _emit(self, operation: Operation) -> Tensor:
        if min(operation.shape + operation.reduction, default=1) < 1:
            raise ValueError(f"every extent of {operation.label!r} must be at least 1")
        number = len(self.state) + len(self.batch) + len(self._operations)
        self._operations.append(operation)
        return Tensor(number, operation.shape)

    def gather(
        self, source: Tensor, shape: Sequence[int], places: Sequence[tuple[Place, int, int]], label: str
    ) -> Tensor:
        """Emits a change of layout.

        Args:
            source: what is read.
            shape: of the output.
            places: one (place, size, stride) per source coordinate.
            label: for people.
        """
        rank = len(shape)
        axes = tuple(
            Axis(p.base, tuple(p.factors.get(i, 0) for i in range(rank)), p.divisor, size, stride)
            for p, size, stride in places
        )
        view = AffineView(source.number, 0, (0,) * rank)
        return self._emit(Operation(Kind.GATHER, tuple(shape), (view,), axes=axes, label=label))

    def copy(self, source: Tensor, label: str) -> Tensor:
        """Emits an unchanged copy. A map, whose outputs are looked at: a copied NaN makes a step invalid too."""
        return self.map(source.shape, operand(0), source.whole(), label=label)

    def dot(
        self,
        shape: Sequence[int],
        reduction: Sequence[int],
        a: AffineView,
        b: AffineView,
        label: str,
        tail: Tail | None = None,
    ) -> Tensor:
        """Emits a dot product of two views per output element."""
        return self.reduce(Reduction(Kind.DOT, tuple(shape), tuple(reduction), (a, b)), label, tail)

    def sum(
        self, shape: Sequence[int], reduction: Sequence[int], a: AffineView, label: str, tail: Tail | None = None
    ) -> Tensor:
        """Emits a sum over a view per output element."""
        return self.reduce(Reduction(Kind.SUM, tuple(shape), tuple(reduction), (a,)), label, tail)

    def max(self, shape: Sequence[int], reduction: Sequence[int], a: AffineView, label: str) -> Tensor:
        """Emits the greatest value of a view per output element."""
        return self.reduce(Reduction(Kind.MAX, tuple(shape), tuple(reduction), (a,)), label)

    def argmax(
        self, shape: Sequence[int], reduction: Sequence[int], a: AffineView, label: str, tail: Tail | None = None
    ) -> Tensor:
        """Emits the place of the greatest value of a view per output element."""
        return self.reduce(Reduction(Kind.ARGMAX, tuple(shape), tuple(reduction), (a,)), label, tail)

    def reduce(self, reduction: Reduction, label: str, tail: Tail | None = None) -> Tensor:
        """Emits a reduction, and what becomes of its result in the same operation."""
        more, code = (tail.operands, tail.expression.code) if tail else ((), b"")
        _check_operands(1 + len(more))
        operands = (*reduction.operands, *more)
        return self._emit(
            Operation(reduction.kind, reduction.shape, operands, reduction.extents, code=code, label=label)
        )

    def map(self, shape: Sequence[int], expression: Expression, *operands: AffineView, label: str) -> Tensor:
        """Emits an elementwise expression over views."""
        _check_operands(len(operands))
        return self._emit(Operation(Kind.MAP, tuple(shape), operands, code=expression.code, label=label))

    def program(self, posts: int) -> Program:
        """Returns the program; its last ``posts`` operations write the new state."""
        state, batch = (tuple(t.shape for t in section) for section in (self.state, self.batch))
        return Program(state, batch, tuple(self._operations), posts)
