"""The six kinds of operation, their views of operands, and their descriptors.

``docs/arithmetic.md`` is the full definition.

An operation computes one output tensor of shape ``shape``, row-major. For output element o with coordinates c and
reduction index k with coordinates r (row-major over ``reduction``), a *view* reads element

    offset + sum_i out[i] * c[i] + sum_j red[j] * r[j]

of a flat tensor. With A, B, ... the operands seen through their views:

    GATHER   out[o] = source element at an affine place, or +0 where that place does not exist (see Axis)
    MAP      out[o] = expression of A(o), B(o), ... (see expressions.py)
    DOT      x = blk64 sum over k of A(o, k) * B(o, k)
    SUM      x = blk64 sum over k of A(o, k)
    MAX      x = the greatest A(o, k): starts as A(o, 0), replaced by every later element that compares greater
    ARGMAX   x = the k of that element, as a float

A reduction may have a *tail*: an expression whose operand 0 is x and whose further operands are those that follow the
reduced ones; then out[o] is its value, else out[o] = x. An expression has at most six operands, x included.

blk64: terms in ascending k, in chunks of 64; each chunk starts at +0; every product and every sum is rounded to
binary32, to nearest even; the total starts at +0 and takes the chunk sums in order. Every float a kernel makes is
one of these roundings, so a zero term never changes a finite result.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import prod

CHUNK = 64
MAX_OPERANDS = 6


class Kind(IntEnum):
    """Number of an operation kind in descriptors."""

    GATHER = 1
    DOT = 2
    SUM = 3
    MAP = 4
    MAX = 5
    ARGMAX = 6


REDUCED = {Kind.GATHER: 0, Kind.MAP: 0, Kind.DOT: 2, Kind.SUM: 1, Kind.MAX: 1, Kind.ARGMAX: 1}  # operands read over k


@dataclass(frozen=True)
class AffineView:
    """How an operation reads a tensor: flat start and strides, in elements.

    Attributes:
        tensor: number of the tensor in the program.
        offset: first element.
        out: one stride per output dimension.
        red: one stride per reduction dimension.
    """

    tensor: int
    offset: int
    out: tuple[int, ...]
    red: tuple[int, ...] = ()

    def at(self, coordinates: Sequence[int], reduction: Sequence[int] = ()) -> int:
        """Returns the flat element that output ``coordinates`` and ``reduction`` coordinates read."""
        out = sum(s * c for s, c in zip(self.out, coordinates, strict=True))
        return self.offset + out + sum(s * r for s, r in zip(self.red, reduction, strict=True))

    def pack(self) -> bytes:
        """Returns ``uint32 tensor ‖ int32 offset ‖ int32 strides``."""
        return struct.pack(f">Ii{len(self.out)}i{len(self.red)}i", self.tensor, self.offset, *self.out, *self.red)


@dataclass(frozen=True)
class Axis:
    """One coordinate of a gather's source: ``(base + sum_i factors[i] * c[i]) / divisor``.

    The place exists if the division leaves no rest and 0 <= coordinate < size. Padding is a negative base, dilation
    a divisor, im2col two factors.

    Attributes:
        base: start, may be negative.
        factors: one per output dimension.
        divisor: 1 or more.
        size: extent of the source along this coordinate.
        stride: elements between neighbours along this coordinate in the flat source.
    """

    base: int
    factors: tuple[int, ...]
    divisor: int
    size: int
    stride: int

    def at(self, coordinates: Sequence[int]) -> int | None:
        """Returns this coordinate's part of the flat source index, or None where the place does not exist."""
        place, rest = divmod(
            self.base + sum(f * c for f, c in zip(self.factors, coordinates, strict=True)), self.divisor
        )
        return place * self.stride if rest == 0 and 0 <= place < self.size else None

    def pack(self) -> bytes:
        """Returns ``int32 base ‖ uint32 divisor ‖ uint32 size ‖ uint32 stride ‖ int32 factors``."""
        return struct.pack(f">iIII{len(self.factors)}i", self.base, self.divisor, self.size, self.stride, *self.factors)


@dataclass(frozen=True)
class Operation:
    """One step of a program; it writes the tensor of its own number.

    Attributes:
        kind: what is computed.
        shape: of the output, row-major.
        reduction: extents of the reduction index; empty for gather and map.
        operands: views, those of the reduction first; for a gather, the source tensor alone (offset and strides
            unused).
        axes: of a gather.
        code: of a map or a tail, postfix (expressions.py); empty for a reduction without a tail.
        label: for people; not in the descriptor.
    """

    kind: Kind
    shape: tuple[int, ...]
    operands: tuple[AffineView, ...]
    reduction: tuple[int, ...] = ()
    axes: tuple[Axis, ...] = ()
    code: bytes = b""
    label: str = ""

    @property
    def size(self) -> int:
        """Elements of the output."""
        return prod(self.shape)

    @property
    def terms(self) -> int:
        """Terms of one reduction."""
        return prod(self.reduction)

    @property
    def reduced(self) -> tuple[AffineView, ...]:
        """The operands that a reduction reads over k."""
        return self.operands[: REDUCED[self.kind]]

    @property
    def elementwise(self) -> tuple[AffineView, ...]:
        """The operands of a map, or those of a tail after the reduction's result."""
        return self.operands[REDUCED[self.kind] :]

    def descriptor(self) -> bytes:
        """Returns the bytes that the program root commits to; all integers big-endian.

        uint8 kind ‖ uint8 rank ‖ uint32 shape...
        gather:  uint32 source ‖ uint8 axes ‖ axis...
        others:  uint8 rank of reduction ‖ uint32 reduction... ‖ uint8 operands ‖ view... ‖ uint16 length ‖ code

        A view has strides over the reduction only if it is reduced: the first two of a dot, the first of a sum, a max
        or an argmax.
        """
        head = struct.pack(f">BB{len(self.shape)}I", self.kind, len(self.shape), *self.shape)
        if self.kind is Kind.GATHER:
            return (
                head
                + struct.pack(">IB", self.operands[0].tensor, len(self.axes))
                + b"".join(a.pack() for a in self.axes)
            )
        reduction = struct.pack(f">B{len(self.reduction)}I", len(self.reduction), *self.reduction)
        views = struct.pack(">B", len(self.operands)) + b"".join(v.pack() for v in self.operands)
        return head + reduction + views + struct.pack(">H", len(self.code)) + self.code


def coordinates(index: int, shape: Sequence[int]) -> tuple[int, ...]:
    """Returns the coordinates of flat element ``index`` of a row-major tensor."""
    out = []
    for extent in reversed(shape):
        index, c = divmod(index, extent)
        out.append(c)
    return tuple(reversed(out))


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Returns the row-major strides of ``shape``, in elements."""
    out = [1]
    for extent in reversed(shape[1:]):
        out.append(out[-1] * extent)
    return tuple(reversed(out)) if shape else ()
