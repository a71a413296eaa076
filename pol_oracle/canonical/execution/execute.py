"""Runs a program: binds every operation to its kernel, and lets threads share the work where that pays.

This is the seam for other devices: a :class:`Workspace` for one would hold the same tensors and run the same program.
Whatever computes in it has to agree with ``reference`` bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ..expressions import FloatArray
from ..kernels.elementwise import BLOCK, run_map
from ..kernels.layout import copy_planes
from ..kernels.modes import require_exact
from ..kernels.pack import Index, run_ends
from ..kernels.product import product, scratch_size
from ..kernels.reduce import greatest, reduce_rows
from ..kernels.vectors import LANES
from ..operations import AffineView, Kind, Operation
from ..programs.program import Program
from .layouts import plan_gather
from .machine import MapArguments, compile_code, flat_index
from .memory import Memory
from .threads import Share, Team, portion

WORTH_SHARING = 40_000.0  # rough nanoseconds of work; waking a thread takes a quarter of that
PANELS = 1 << 19  # floats of packed columns per block: half of a second-level cache or so


@dataclass(frozen=True)
class Stage:
    """One bound operation.

    Attributes:
        share: computes one part of it.
        cost: rough nanoseconds of the whole.
    """

    share: Share
    cost: float


@dataclass(frozen=True)
class Side:
    """One operand of a reduction.

    Attributes:
        starts: address per output (or per row or column of a matrix product).
        steps: what each term adds to it.
    """

    starts: Index
    steps: Index


class Workspace:
    """Memory and bound kernels of one program. Not for two callers at once.

    The state's tensors lie together at the start, the new state's at the end, packed as in ``State.flat``. Places that
    a gather leaves out are zero from the start and stay so.

    Args:
        program: what is run.
        team: who runs it; by default the caller alone.

    Attributes:
        program: what is run.
        tensors: all tensors by number.
        state: the state's, flat.
        post: the new state's, flat.
    """

    def __init__(self, program: Program, team: Team | None = None) -> None:
        self.program, self._team = program, team or Team(1)
        self._memory = Memory(program, self._team.size)
        self.tensors = self._memory.tensors
        self.state: FloatArray = self._memory.flat[: sum(prod(s) for s in program.state)]
        first = len(program.shapes) - program.posts
        end = self._memory.addresses[-1] + prod(program.shapes[-1])
        self.post: FloatArray = self._memory.flat[self._memory.addresses[first] if program.posts else end : end]
        self._scratch_floats = 1
        operations = enumerate(program.operations, program.first)
        self._stages = [self._bind(operation, self._memory.addresses[number]) for number, operation in operations]
        self._scratch = [np.empty(self._scratch_floats, np.float32) for _ in range(self._team.size)]

    def run(self, only: Sequence[int] | None = None) -> bool:
        """Computes every operation's tensor from the inputs in :attr:`tensors`.

        Args:
            only: tensors to compute, if not all; the others they need are there from an earlier run.

        Returns:
            False if a NaN or an infinity is among what was computed.

        Raises:
            ValueError: one of ``only`` is an input; nothing computes it.
            ArithmeticFault: some library has changed how this process computes.
        """
        require_exact()
        finite, first = True, self.program.first
        if only is not None and min(only, default=first) < first:
            raise ValueError(f"tensors below {first} are inputs; nothing computes them")
        for stage in self._stages if only is None else [self._stages[number - first] for number in only]:
            if self._team.size > 1 and stage.cost > WORTH_SHARING:
                finite &= self._team.run(stage.share)
            else:
                finite &= stage.share(0, 1)
        return finite

    def _bind(self, operation: Operation, out: int) -> Stage:
        if operation.kind is Kind.GATHER:
            return self._gather(operation, out)
        recipe = compile_code(operation, out, self._memory)
        match operation.kind:
            case Kind.MAP:
                return self._map(operation, out, recipe)
            case Kind.DOT:
                return self._dot(operation, out, recipe)
            case Kind.SUM:
                side = self._side(operation, operation.operands[0])
                return self._rows(operation, out, side, side, recipe)
        return self._greatest(operation, out, recipe)

    def _side(self, operation: Operation, view: AffineView) -> Side:
        starts = flat_index(operation.shape, view.out) + (self._memory.addresses[view.tensor] + view.offset)
        return Side(starts, flat_index(operation.reduction, view.red))

    def _tail(self, out: int, recipe: MapArguments, first: int, last: int, part: int) -> bool:
        memory = self._memory
        tables = (recipe.loads, recipe.rows, recipe.inner, recipe.instructions)
        return bool(run_map(memory.flat, out, memory.registers(part), *tables, first, last))

    def _gather(self, operation: Operation, out: int) -> Stage:
        source = self._memory.addresses[operation.operands[0].tensor]
        parts = list(plan_gather(operation, source, out))

        def share(part: int, of: int) -> bool:
            for planes in parts:
                first, last = portion(planes.targets.size, part, of)
                copy_planes(self._memory.flat, planes.targets, planes.sources, first, last, *planes.steps)
            return True

        return Stage(share, 0.5 * operation.size)

    def _map(self, operation: Operation, out: int, recipe: MapArguments) -> Stage:
        def share(part: int, of: int) -> bool:
            return self._tail(out, recipe, *portion(operation.size, part, of, BLOCK), part)

        return Stage(share, 0.1 * operation.size * (len(recipe.loads) + len(recipe.instructions)))

    def _greatest(self, operation: Operation, out: int, recipe: MapArguments) -> Stage:
        side, place = self._side(operation, operation.operands[0]), operation.kind is Kind.ARGMAX
        ends = run_ends(side.steps)

        def share(part: int, of: int) -> bool:
            first, last = portion(operation.size, part, of, BLOCK)
            greatest(self._memory.flat, side.starts, side.steps, ends, out, place, first, last)
            return self._tail(out, recipe, first, last, part)

        return Stage(share, 0.3 * operation.size * operation.terms)

    def _rows(self, operation: Operation, out: int, a: Side, b: Side, recipe: MapArguments) -> Stage:
        """A reduction row by row."""
        memory, is_dot = self._memory, operation.kind is Kind.DOT
        sides = (a.starts, a.steps, run_ends(a.steps), b.starts, b.steps, run_ends(b.steps))
        tables = (recipe.loads, recipe.rows, recipe.inner, recipe.instructions)

        def share(part: int, of: int) -> bool:
            first, last = portion(operation.size, part, of, LANES)
            registers = memory.registers(part)
            return bool(reduce_rows(memory.flat, *sides, is_dot, out, first, last, registers, *tables))

        return Stage(share, 0.3 * operation.size * operation.terms)

    def _dot(self, operation: Operation, out: int, recipe: MapArguments) -> Stage:
        """A product of two matrices where each operand varies along dimensions of its own, else row by row."""
        found = split(operation)
        a, b = (self._side(operation, view) for view in (found[:2] if found else operation.reduced))
        if found is None:
            return self._rows(operation, out, a, b, recipe)
        columns = prod(operation.shape[found[2] :])
        a, b = Side(a.starts[::columns].copy(), a.steps), Side(b.starts[:columns].copy(), b.steps)
        if cost(a, b, transposed=False) <= cost(b, a, transposed=True):
            return self._product(a, b, out, recipe, transposed=False)
        return self._product(b, a, out, recipe, transposed=True)

    def _product(self, rows: Side, columns: Side, out: int, recipe: MapArguments, *, transposed: bool) -> Stage:
        memory, terms = self._memory, rows.steps.size
        width = max(LANES, PANELS // terms // LANES * LANES)
        self._scratch_floats = max(self._scratch_floats, scratch_size(terms, min(width, columns.starts.size)))
        sides = (rows.starts, rows.steps, run_ends(rows.steps), columns.starts, columns.steps, run_ends(columns.steps))
        tables = (recipe.loads, recipe.rows, recipe.inner, recipe.instructions)

        def block(part: int, rows: tuple[int, int], columns: tuple[int, int]) -> bool:
            place = (*rows, *columns, memory.registers(part))
            return bool(product(memory.flat, self._scratch[part], *sides, out, transposed, *place, *tables))

        def share(part: int, of: int) -> bool:
            every_row, every_column = (0, rows.starts.size), (0, columns.starts.size)
            if columns.starts.size >= of * LANES:
                every_column = portion(columns.starts.size, part, of, LANES)
            else:
                every_row = portion(rows.starts.size, part, of)
            finite = True
            for first in range(*every_column, width):
                finite &= block(part, every_row, (first, min(first + width, every_column[1])))
            return finite

        return Stage(share, cost(rows, columns, transposed=transposed))


def split(operation: Operation) -> tuple[AffineView, AffineView, int] | None:
    """Splits a dot product into one of matrices.

    Returns:
        The operand of the rows, that of the columns, and the dimension from which on only the latter varies, while
        before it only the former does; None where that cannot be.
    """
    wide = [n > 1 for n in operation.shape]
    for a, b in (operation.reduced, operation.reduced[::-1]):  # a product is the same either way round
        for at in range(len(wide) + 1):
            second_still = not any(w and s for w, s in zip(wide[:at], b.out[:at], strict=True))
            if second_still and not any(w and s for w, s in zip(wide[at:], a.out[at:], strict=True)):
                return a, b, at
    return None


def cost(rows: Side, columns: Side, *, transposed: bool) -> float:
    """Rough nanoseconds of a matrix product: arithmetic, packing, writing out across."""
    terms, high, wide = rows.steps.size, rows.starts.size, -(-columns.starts.size // LANES) * LANES
    return high * wide * terms / 45 + 0.15 * terms * wide + 0.2 * high * wide * transposed
