"""Compiles the postfix code of a map or a tail to the tables of ``kernels.elementwise``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from ..expressions import ARITY, Code, decode
from ..kernels.elementwise import CONSTANT, CONTIGUOUS, GENERAL, PERIODIC, RESULT, Table
from ..kernels.instructions import COPY
from ..kernels.pack import Index
from ..operations import MAX_OPERANDS, Kind, Operation, strides
from .memory import Memory

Operand = tuple[int, tuple[int, ...]]  # address, stride per output dimension


@dataclass(frozen=True)
class MapArguments:
    """The arguments of ``run_map`` that describe an expression.

    Attributes:
        loads: of every operand: address, inner stride, course.
        rows: where each of them starts, for every run of ``inner`` outputs.
        inner: outputs per run.
        instructions: code, target and arguments, all registers.
    """

    loads: Table
    rows: Table
    inner: int
    instructions: Table


def compile_code(operation: Operation, address: int, memory: Memory) -> MapArguments:
    """Returns the recipe of a map, or of a reduction's tail (no instructions if it has none).

    Args:
        operation: not a gather.
        address: of its output, where a reduction has left its results.
        memory: where the operands are.
    """
    operands: list[Operand] = [(memory.addresses[v.tensor] + v.offset, v.out) for v in operation.elementwise]
    if operation.kind is not Kind.MAP:
        operands.insert(0, (address, strides(operation.shape)))
    code = _Registers(operation, operands, memory)
    if operation.code:
        code.allocate()
    loaded = list(code.loaded)
    inner, outer = _collapse(operation.shape, [steps for _, steps in loaded])
    return MapArguments(
        loads=np.array(
            [(at, run, _course(starts, run, inner)) for (at, _), (starts, run) in zip(loaded, outer, strict=True)],
            np.int64,
        ).reshape(-1, 3),
        rows=np.array([starts for starts, _ in outer], np.int64).reshape(len(loaded), operation.size // inner),
        inner=inner,
        instructions=np.array(code.instructions, np.int64).reshape(-1, 5),
    )


@dataclass
class _Registers:
    """Gives every operand, constant and intermediate value a register; those of dead values are used again."""

    operation: Operation
    operands: Sequence[Operand]
    memory: Memory
    loaded: dict[Operand, int] = field(default_factory=dict)
    instructions: list[list[int]] = field(default_factory=list)

    def allocate(self) -> None:
        """Fills ``loaded`` and ``instructions``."""
        code = decode(self.operation.code)
        for opcode, immediate in code:
            if opcode not in ARITY:
                self._operand(opcode, immediate)
        free, stack = list(range(RESULT - 1, len(self.loaded) - 1, -1)), []
        for position, (opcode, immediate) in enumerate(code):
            if opcode not in ARITY:
                stack.append(self._operand(opcode, immediate))
                continue
            count = ARITY[Code(opcode)]
            arguments = stack[-count:]
            del stack[-count:]
            if not free:
                raise ValueError(f"the expression of {self.operation.label!r} needs more than {RESULT} registers")
            target = RESULT if position == len(code) - 1 else free.pop()
            self.instructions.append([opcode, target, *arguments, *[0] * (3 - count)])
            free += [r for r in arguments if r >= len(self.loaded)]
            stack.append(target)
        if not self.instructions:
            self.instructions.append([COPY, RESULT, stack[0], 0, 0])

    def _operand(self, opcode: int, immediate: int) -> int:
        """The register of an operand, a constant or a coordinate."""
        rank = len(self.operation.shape)
        if opcode < MAX_OPERANDS:
            operand = self.operands[opcode]
        elif opcode == Code.CONST:
            operand = (self.memory.constant(immediate), (0,) * rank)
        elif opcode == Code.COORD:
            operand = (self.memory.coordinates, tuple(int(i == immediate) for i in range(rank)))
        else:
            raise ValueError(f"opcode {opcode} is no operand")
        return self.loaded.setdefault(operand, len(self.loaded))


def _course(starts: Index, run: int, inner: int) -> int:
    """How an operand runs over the outputs."""
    if not starts.any():
        return CONSTANT if run == 0 else CONTIGUOUS if run == 1 and starts.size == 1 else PERIODIC
    return CONTIGUOUS if run == 1 and (np.diff(starts) == inner).all() else GENERAL


def _collapse(shape: Sequence[int], steps: Sequence[Sequence[int]]) -> tuple[int, list[tuple[Index, int]]]:
    """Finds the longest innermost run over which every operand advances evenly.

    Returns:
        Its length, and for every operand where the runs start and by what it advances within one.
    """
    dimensions = [i for i, extent in enumerate(shape) if extent > 1]
    inner, split = 1, len(dimensions)
    for at in reversed(range(len(dimensions))):
        i = dimensions[at]
        if inner > 1 and any(s[i] != s[dimensions[-1]] * inner for s in steps):
            break
        inner, split = inner * shape[i], at
    outer = dimensions[:split]
    extents = [shape[i] for i in outer]
    last = dimensions[-1] if dimensions else None
    return inner, [(flat_index(extents, [s[i] for i in outer]), s[last] if last is not None else 0) for s in steps]


def flat_index(shape: Sequence[int], strides: Sequence[int]) -> Index:
    """Returns sum_i strides[i] * c[i] for all coordinates c of ``shape``, row-major, int64."""
    index = np.zeros(1, np.int64)
    for extent, stride in zip(shape, strides, strict=True):
        index = (index[:, None] + stride * np.arange(extent, dtype=np.int64)).reshape(-1)
    assert index.size == prod(shape)
    return index
