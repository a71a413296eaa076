"""Programs made at random: kernels against the reference, on one thread and on several."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import prod

import numpy as np
import pytest
from numpy.typing import NDArray

from pol_oracle.canonical.execution.execute import Workspace
from pol_oracle.canonical.execution.threads import Team
from pol_oracle.canonical.expressions import (
    Expression,
    constant,
    coordinate,
    equal,
    exp,
    greater,
    operand,
    relu,
    select,
    square_root,
)
from pol_oracle.canonical.operations import AffineView, Kind
from pol_oracle.canonical.programs.builder import Builder, Place, Reduction, Tail, Tensor
from pol_oracle.canonical.programs.reference import reference

PROGRAMS = 250
ELEMENTS = 6  # of every tensor, compared with the reference
EXTENTS = [1, 1, 2, 3, 5, 6, 7, 12, 15, 16, 17, 31, 32, 33, 48, 70, 130, 520]
TERMS = [1, 2, 3, 9, 16, 20, 63, 64, 65, 130]
STRIDES = [0, 0, 1, 1, 2, -1, 3, 7, 16, 64, -5]
REDUCTIONS = [Kind.DOT, Kind.SUM, Kind.MAX, Kind.ARGMAX]

Floats = NDArray[np.float32]
Shape = tuple[int, ...]


class Author:
    """Writes programs; every choice follows from the seed."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.builder = Builder([(self.pick([5, 64, 300, 5000]),) for _ in range(3)], [])
        self.tensors = list(self.builder.state)

    def pick(self, choices: list[int]) -> int:
        return int(self.rng.choice(choices))

    def extents(self, choices: list[int], most: int) -> Shape:
        return tuple(self.pick(choices) for _ in range(int(self.rng.integers(1, most + 1))))

    def tensor(self) -> Tensor:
        return self.tensors[int(self.rng.integers(len(self.tensors)))]

    def view(self, shape: Shape, reduction: Shape = ()) -> AffineView:
        """A view of some tensor that stays inside it: a matrix's rows or columns, or anything."""
        tensor, extents, cut = self.tensor(), (*shape, *reduction), int(self.rng.integers(len(shape) + 1))
        for style in self.rng.permutation(3):
            strides = [self.pick(STRIDES) for _ in extents]
            if style:
                strides, run, still = [0] * len(extents), 1, range(cut) if style == 1 else range(cut, len(shape))
                for i in reversed(range(len(extents))):
                    if i not in still:
                        strides[i], run = run, run * extents[i]
            ends = [s * (e - 1) for s, e in zip(strides, extents, strict=True)]
            low, high = sum(min(0, e) for e in ends), sum(max(0, e) for e in ends)
            if high - low < tensor.size:
                offset = int(self.rng.integers(tensor.size - (high - low))) - low
                return tensor.view(strides[: len(shape)], strides[len(shape) :], offset)
        return tensor.view([0] * len(shape), [0] * len(reduction), int(self.rng.integers(tensor.size)))

    def expression(self, operands: int, rank: int, depth: int = 0) -> Expression:
        chance = self.rng.random()
        if depth > 3 or chance < 0.2:
            leaf = self.pick([0, 0, 0, 1, 2])
            if leaf == 0:
                return operand(int(self.rng.integers(operands)))
            if leaf == 1:
                return constant(float(self.rng.choice([0.0, -0.0, 1.5, -3.0, 1e-40, 1e30])))
            return coordinate(int(self.rng.integers(rank)))
        a, b, c = (self.expression(operands, rank, depth + 1) for _ in range(3))
        forms = [a + b, a - b, a * b, a / b, square_root(a * a), relu(a), exp(a), greater(a, b), equal(a, b)]
        return [*forms, select(a, b, c)][int(self.rng.integers(10))]

    def operation(self) -> None:
        shape, reduction = self.extents(EXTENTS, 3), self.extents(TERMS, 2)
        if prod(shape) > 20_000 or prod(shape) * prod(reduction) > 1_000_000:
            return
        kind, more = int(self.rng.integers(6)), int(self.rng.integers(6))
        views = [self.view(shape) for _ in range(more)]
        if kind == 0:
            self.tensors.append(self.gather(shape))
        elif kind == 1:
            views.append(self.view(shape))
            code = self.expression(len(views), len(shape))
            self.tensors.append(self.builder.map(shape, code, *views, label=""))
        else:
            which = REDUCTIONS[kind - 2]
            reduced = tuple(self.view(shape, reduction) for _ in range(2 if which is Kind.DOT else 1))
            tail = Tail(self.expression(more + 1, len(shape)), tuple(views)) if self.rng.random() < 0.6 else None
            self.tensors.append(self.builder.reduce(Reduction(which, shape, reduction, reduced), "", tail))

    def gather(self, shape: Shape) -> Tensor:
        """Rows and columns of some tensor, flipped, dilated, padded or repeated."""
        source, rows = self.tensor(), 5
        columns = max(1, source.size // rows)
        row = Place({0: self.pick([-1, 0, 1, 2])}, self.pick([-2, 0, 3]), self.pick([1, 2]))
        column = Place({len(shape) - 1: self.pick([-1, 1, 2]), 0: self.pick([0, 1])}, self.pick([-2, 0, 6]))
        rows = min(rows, source.size // columns)
        return self.builder.gather(source, shape, [(row, rows, columns), (column, columns, 1)], "")

    def inputs(self) -> list[Floats]:
        """Values of several scales; in some programs with a trap here and there."""
        values = [(self.rng.standard_normal(t.size) * 2.0 ** self.pick([-2, 0, 2])).astype(np.float32)
                  for t in self.builder.state]  # fmt: skip
        if self.rng.random() < 0.3:
            traps = np.array([np.nan, np.inf, 1e-42, 3e38, -0.0], np.float32)
            values[0][self.rng.random(values[0].size) < 0.1] = self.rng.choice(traps)
        return values


@cache
def team(size: int) -> Team:
    return Team(size)


def openings(flat: list[Floats]) -> Callable[[int, int], np.float32]:
    """What the reference reads."""
    return lambda tensor, element: np.float32(flat[tensor][element])


def same(a: Floats, b: Floats) -> bool:
    """Bit for bit, but a NaN equals any NaN."""
    return bool(((np.isnan(a) & np.isnan(b)) | (a.view(np.uint32) == b.view(np.uint32))).all())


@pytest.mark.parametrize("start", range(0, PROGRAMS, 50))
def test_random_programs_equal_the_reference_on_any_number_of_threads(start: int) -> None:
    for seed in range(start, start + 50):
        author = Author(seed)
        for _ in range(5):
            author.operation()
        program, inputs = author.builder.program(0), author.inputs()
        if not program.operations:
            continue
        found = []
        for size in (1, 2, 3):
            workspace = Workspace(program, team(size))
            for tensor, given in zip(workspace.tensors, inputs, strict=False):
                tensor[...] = given
            workspace.run()
            found.append((workspace.run(), [t.reshape(-1) for t in workspace.tensors]))
        finite, flat = found[0]
        for other_finite, other in found[1:]:
            assert other_finite == finite, seed
            assert all(same(a, b) for a, b in zip(flat, other, strict=True)), seed
        numbered = list(enumerate(program.operations, program.first))
        assert finite == all(np.isfinite(flat[n]).all() for n, op in numbered if op.kind is not Kind.GATHER), seed
        for number, operation in numbered:
            for index in author.rng.integers(0, operation.size, ELEMENTS):
                value = reference(program, number, int(index), openings(flat)).value
                assert same(flat[number][index : index + 1], np.array([value])), (seed, number, index)
