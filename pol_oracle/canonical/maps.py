"""Compiles a map's postfix code to numpy calls on whole tensors.

numpy's float32 add, subtract, multiply, divide and sqrt round correctly on every machine; nothing else of numpy is used
for arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from .expressions import ARITY, Code, FloatArray, decode, exponential
from .operations import MAX_OPERANDS, Operation, View
from .scratch import Scratch

Call = Callable[[], None]

UFUNCS: dict[int, Callable[..., Any]] = {
    Code.ADD: np.add,
    Code.SUB: np.subtract,
    Code.MUL: np.multiply,
    Code.DIV: np.divide,
    Code.SQRT: np.sqrt,
    Code.GT: np.greater,
    Code.EQ: np.equal,
}
COMPARISONS = (Code.GT, Code.EQ)
ZERO = np.float32(0)


class MapCompiler:
    """A stack machine whose stack holds arrays; temporaries live in the scratch.

    A comparison leaves booleans, which ``select`` takes as they are and arithmetic reads as 0 and 1.
    """

    def __init__(self, operation: Operation, sources: Sequence[FloatArray], out: FloatArray, scratch: Scratch) -> None:
        self.shape, self.out, self.scratch = operation.shape, out, scratch
        self.operands = [
            as_strided(s, _extents(self.shape, v), [4 * n for n in v.out], writeable=False)
            for s, v in zip(sources, operation.operands, strict=True)
        ]
        self.calls: list[Call] = []
        self.stack: list[Any] = []
        self.temporaries: dict[int, str] = {}  # id of an array on the stack -> its buffer
        self.instructions = decode(operation.code)

    def compile(self) -> list[Call]:
        """Returns the calls that fill ``out``."""
        for position, (code, immediate) in enumerate(self.instructions):
            if code < MAX_OPERANDS:
                self.stack.append(self.operands[code])
            elif code == Code.CONST:
                self.stack.append(np.array(immediate, np.uint32).view(np.float32)[()])
            elif code == Code.COORD:
                self.stack.append(self._coordinate(immediate))
            else:
                self._apply(Code(code), last=position == len(self.instructions) - 1)
        if self.stack[-1] is not self.out:
            self._emit(np.copyto, self.out, self.stack[-1])
        return self.calls

    def _emit(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> None:
        self.calls.append(lambda: function(*arguments, **keywords))

    def _coordinate(self, dimension: int) -> NDArray[Any]:
        extents = [1] * len(self.shape)
        extents[dimension] = self.shape[dimension]
        return np.arange(self.shape[dimension], dtype=np.float32).reshape(extents)

    def _apply(self, code: Code, last: bool) -> None:
        arity = ARITY[code]
        arguments = self.stack[-arity:]
        del self.stack[-arity:]
        target = self.out if last and code not in COMPARISONS else self._temporary(code, arguments)
        match code:
            case Code.SELECT:
                self._select(target, *arguments)
            case Code.RELU:  # maximum keeps NaN; adding +0 turns -0, which it may return, into +0
                self._emit(np.maximum, arguments[0], ZERO, out=target)
                self._emit(np.add, target, ZERO, out=target)
            case Code.EXP:
                self._emit(lambda: np.copyto(target, exponential(arguments[0])))
            case _:
                self._emit(UFUNCS[code], *arguments, out=target)
        for array in arguments:
            self.temporaries.pop(id(array), None)
        self.stack.append(target)

    def _temporary(self, code: Code, arguments: Sequence[Any]) -> NDArray[Any]:
        """A buffer that nothing on the stack uses, of the shape that the arguments have together."""
        shape = np.broadcast_shapes(*(np.shape(a) for a in arguments))
        kind, dtype = ("mask", np.bool_) if code in COMPARISONS else ("value", np.float32)
        name = next(n for n in map(f"{kind} {{}}".format, count()) if n not in self.temporaries.values())
        target = self.scratch.take(name, prod(shape), dtype).reshape(shape)
        self.temporaries[id(target)] = name
        return target

    def _select(self, target: NDArray[Any], condition: Any, a: Any, b: Any) -> None:
        """Where the alternative is +0, the value's bits times 0 or 1 select without a branch."""
        masked = condition.dtype == np.bool_ and np.ndim(b) == 0 and not b.view(np.uint32)
        if masked and np.ndim(a) > 0 and a.dtype == np.float32:
            self._emit(np.multiply, a.view(np.uint32), condition, out=target.view(np.uint32))
            return

        def choose() -> None:
            mask = condition if condition.dtype == np.bool_ else condition != 0
            np.copyto(target, b)
            np.copyto(target, a, where=mask)

        self._emit(choose)


def _extents(shape: Sequence[int], view: View) -> list[int]:
    """Extents of an operand before broadcasting: 1 where it does not vary."""
    return [n if stride else 1 for n, stride in zip(shape, view.out, strict=True)]


def bind_map(operation: Operation, sources: Sequence[FloatArray], out: FloatArray, scratch: Scratch) -> list[Call]:
    """Returns the calls that compute a map.

    Args:
        operation: of kind MAP.
        sources: flat operands from their views' offsets on.
        out: the output tensor.
        scratch: for temporaries.
    """
    return MapCompiler(operation, sources, out, scratch).compile()
