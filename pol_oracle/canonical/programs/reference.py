"""One element of any operation, computed the plain way: what a contract does, and what the kernels must equal.

Written to be read. Values are numpy float32 scalars, whose +, -, *, / round correctly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ..expressions import ARITY, Code, decode, exponential
from ..operations import CHUNK, MAX_OPERANDS, AffineView, Kind, Operation, coordinates
from .program import Program

Float = np.float32
Read = Callable[[int, int], Float]  # (tensor, element) -> value

ZERO, ONE = Float(0), Float(1)


@dataclass(frozen=True)
class Recomputed:
    """What the reference gives for one element.

    Attributes:
        value: the element.
        reads: the operand elements it follows from, (tensor, element), in the order read.
    """

    value: Float
    reads: tuple[tuple[int, int], ...]


def reference(program: Program, tensor: int, element: int, openings: Read) -> Recomputed:
    """Recomputes one element of a trace from its operands' elements.

    Args:
        program: the step or the evaluation.
        tensor: number of a tensor that an operation writes.
        element: flat index in it.
        openings: returns an element of an earlier tensor; asked for exactly the elements that the operation reads.

    Raises:
        ValueError: ``tensor`` is an input of the program, or has no such element.
    """
    operation = program.operation_of(tensor)
    if operation is None:
        raise ValueError(f"tensor {tensor} is an input; nothing computes it")
    if not 0 <= element < operation.size:
        raise ValueError(f"tensor {tensor} has {operation.size} elements, no element {element}")
    reads: list[tuple[int, int]] = []

    def read(source: int, index: int) -> Float:
        reads.append((source, index))
        return openings(source, index)

    with np.errstate(all="ignore"):
        value = evaluate(operation, coordinates(element, operation.shape), read)
    return Recomputed(value, tuple(reads))


def evaluate(operation: Operation, place: tuple[int, ...], read: Read) -> Float:
    """Computes the element of ``operation`` at output coordinates ``place``."""
    if operation.kind is Kind.GATHER:
        return _gather(operation, place, read)
    if operation.kind is Kind.MAP:
        return _expression(operation, place, [read(v.tensor, v.at(place)) for v in operation.elementwise])
    result = _reduce(operation, place, read)
    if not operation.code:
        return result
    return _expression(operation, place, [result, *(read(v.tensor, v.at(place)) for v in operation.elementwise)])


def _reduce(operation: Operation, place: tuple[int, ...], read: Read) -> Float:
    terms = [_terms(operation, view, place, read) for view in operation.reduced]
    match operation.kind:
        case Kind.DOT:
            return blk64(x * y for x, y in zip(*terms, strict=True))
        case Kind.SUM:
            return blk64(terms[0])
    best, at = _greatest(terms[0])
    return Float(at) if operation.kind is Kind.ARGMAX else best


def blk64(terms: Iterable[Float]) -> Float:
    """Sums in chunks of 64: every chunk from +0, the chunk sums in order."""
    total, chunk, count = ZERO, ZERO, 0
    for term in terms:
        chunk = chunk + term
        count += 1
        if count % CHUNK == 0:
            total, chunk = total + chunk, ZERO
    return total + chunk if count % CHUNK else total


def _terms(operation: Operation, view: AffineView, place: tuple[int, ...], read: Read) -> Iterable[Float]:
    """What a view reads for k = 0, 1, ..."""
    for k in range(operation.terms):
        yield read(view.tensor, view.at(place, coordinates(k, operation.reduction)))


def _gather(operation: Operation, place: tuple[int, ...], read: Read) -> Float:
    parts = [axis.at(place) for axis in operation.axes]
    if any(part is None for part in parts):
        return ZERO
    return read(operation.operands[0].tensor, sum(part for part in parts if part is not None))


def _greatest(terms: Iterable[Float]) -> tuple[Float, int]:
    """The first element that no later one exceeds, and where it is."""
    best, at = ZERO, 0
    for k, x in enumerate(terms):
        if k == 0 or x > best:
            best, at = x, k
    return best, at


def _expression(operation: Operation, place: tuple[int, ...], operands: list[Float]) -> Float:
    """Runs the code of a map or a tail."""
    stack: list[Float] = []
    for code, immediate in decode(operation.code):
        if code < MAX_OPERANDS:
            stack.append(operands[code])
        elif code == Code.CONST:
            stack.append(np.uint32(immediate).view(Float))
        elif code == Code.COORD:
            stack.append(Float(place[immediate]))
        else:
            count = ARITY[Code(code)]
            arguments = stack[-count:]
            del stack[-count:]
            stack.append(_apply(Code(code), arguments))
    return stack[0]


def _apply(code: Code, x: list[Float]) -> Float:
    match code:
        case Code.ADD:
            return x[0] + x[1]
        case Code.SUB:
            return x[0] - x[1]
        case Code.MUL:
            return x[0] * x[1]
        case Code.DIV:
            return x[0] / x[1]
        case Code.SQRT:
            return Float(np.sqrt(x[0]))
        case Code.GT:
            return ONE if x[0] > x[1] else ZERO
        case Code.EQ:
            return ONE if x[0] == x[1] else ZERO
        case Code.SELECT:
            return x[1] if x[0] != 0 else x[2]
        case Code.RELU:
            return x[0] if x[0] > 0 or np.isnan(x[0]) else ZERO
        case Code.EXP:
            return Float(exponential(np.array([x[0]], Float))[0])
    raise ValueError(f"unknown opcode {code}")
