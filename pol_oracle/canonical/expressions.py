"""What a map computes per element: postfix code over operands, constants and coordinates.

Code is a string of bytes. 0x00..0x05 push an operand, CONST pushes the big-endian binary32 that follows, COORD pushes
output coordinate d (the byte that follows) as a float; the rest pop their arguments and push one result:

    ADD SUB MUL DIV SQRT   IEEE 754, round to nearest even
    GT EQ                  a > b, a == b as 1 or +0 (false for NaN; -0 == +0)
    SELECT                 c, a, b -> a if c != 0 else b
    RELU                   x if x > 0; NaN if x is NaN; else +0
    EXP                    the polynomial of :func:`exponential`
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class Code(IntEnum):
    """Opcodes above the operands 0x00..0x05."""

    CONST = 0x10
    COORD = 0x11
    ADD = 0x20
    SUB = 0x21
    MUL = 0x22
    DIV = 0x23
    SQRT = 0x24
    GT = 0x30
    EQ = 0x31
    SELECT = 0x32
    RELU = 0x33
    EXP = 0x40


ARITY = {
    **dict.fromkeys((Code.ADD, Code.SUB, Code.MUL, Code.DIV, Code.GT, Code.EQ), 2),
    **dict.fromkeys((Code.SQRT, Code.RELU, Code.EXP), 1),
    Code.SELECT: 3,
}


@dataclass(frozen=True)
class Expression:
    """Postfix code with Python's operators, so that layers read like formulas."""

    code: bytes

    def __add__(self, other: Expression) -> Expression:
        return _apply(Code.ADD, self, other)

    def __sub__(self, other: Expression) -> Expression:
        return _apply(Code.SUB, self, other)

    def __mul__(self, other: Expression) -> Expression:
        return _apply(Code.MUL, self, other)

    def __truediv__(self, other: Expression) -> Expression:
        return _apply(Code.DIV, self, other)


def _apply(code: Code, *arguments: Expression) -> Expression:
    return Expression(b"".join(a.code for a in arguments) + bytes([code]))


def operand(number: int) -> Expression:
    """Operand ``number`` (0..5) of the map."""
    return Expression(bytes([number]))


def constant(value: float) -> Expression:
    """A binary32 constant, rounded from ``value``."""
    return Expression(bytes([Code.CONST]) + struct.pack(">f", value))


def coordinate(dimension: int) -> Expression:
    """Output coordinate ``dimension`` as a float."""
    return Expression(bytes([Code.COORD, dimension]))


def square_root(x: Expression) -> Expression:
    """Correctly rounded square root."""
    return _apply(Code.SQRT, x)


def relu(x: Expression) -> Expression:
    """x where x > 0, else +0; NaN stays NaN."""
    return _apply(Code.RELU, x)


def exp(x: Expression) -> Expression:
    """The canonical exponential."""
    return _apply(Code.EXP, x)


def greater(a: Expression, b: Expression) -> Expression:
    """1 where a > b, else +0."""
    return _apply(Code.GT, a, b)


def equal(a: Expression, b: Expression) -> Expression:
    """1 where a == b, else +0."""
    return _apply(Code.EQ, a, b)


def select(condition: Expression, a: Expression, b: Expression) -> Expression:
    """a where condition is not zero, else b."""
    return _apply(Code.SELECT, condition, a, b)


def decode(code: bytes) -> list[tuple[int, int]]:
    """Splits code into (opcode, immediate): a constant's bits, a coordinate's dimension, or 0."""
    out, at = [], 0
    while at < len(code):
        op = code[at]
        width = 4 if op == Code.CONST else 1 if op == Code.COORD else 0
        out.append((op, int.from_bytes(code[at + 1 : at + 1 + width], "big")))
        at += 1 + width
    return out


EXP_LOW, EXP_HIGH = np.float32(-87.0), np.float32(88.0)
LOG2_E = np.float32(1.4426950408889634)
MAGIC = np.float32(12582912.0)  # 1.5 * 2**23: adding it rounds to an integer, kept in the low bits
MAGIC_BITS = np.uint32(0x4B400000)
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # Cody-Waite: k * LN2_HIGH is exact
TAYLOR = tuple(np.float32(c) for c in (1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2, 1.0, 1.0))


def exponential(x: FloatArray) -> FloatArray:
    """Returns e**x elementwise, within 2 ulp for -87 <= x <= 88; x outside is clamped, NaN stays NaN.

    x = k ln2 + r with integer k; e**r by Horner's rule, degree 6; then an exact scaling by 2**k. Every line is one
    rounding, in the order written.
    """
    x = np.minimum(np.maximum(x, EXP_LOW), EXP_HIGH)
    shifted = x * LOG2_E + MAGIC
    k = shifted - MAGIC
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    y = np.full_like(r, TAYLOR[0])
    for c in TAYLOR[1:]:
        y = y * r + c
    power = (np.atleast_1d(shifted).view(np.uint32) - MAGIC_BITS + np.uint32(127)) << np.uint32(23)
    return np.asarray(y * power.view(np.float32).reshape(y.shape), np.float32)
