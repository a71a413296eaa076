"""Single elements recomputed by the contract, against the traces that the kernels computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from pol_oracle.bench.court.arithmetic import Calculator, Run
from pol_oracle.canonical.execution.execute import Workspace
from pol_oracle.canonical.models import MODEL_NAMES, build_model
from pol_oracle.canonical.operations import Kind, Operation
from pol_oracle.canonical.programs.program import Program
from pol_oracle.canonical.programs.reference import reference
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper
from pol_oracle.l1.client import Client
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.protocol.errors import Reverted
from tests.canonical.test_random_programs import Author, same

Floats = NDArray[np.float32]

RATE = 0x3D4CCCCD  # 0.05
PER_SHAPE = 2  # elements per distinct operation of a program
RANDOM_PROGRAMS = 120
MOST_TERMS = 4608  # of a reduction of our models, see test_models.py


@pytest.fixture(scope="module")
def calculator(devnet: Devnet) -> Calculator:
    return Calculator(Client.connect(devnet.rpc))


@dataclass(frozen=True)
class Opened:
    """What a proof opens: runs, and their floats one after the other."""

    runs: list[Run]
    data: bytes


def open_reads(reads: Sequence[tuple[int, int]], tensors: Sequence[Floats]) -> Opened:
    """Joins what an element follows from into as few runs as there can be."""
    runs: list[Run] = []
    pieces: list[bytes] = []
    for count, (tensor, element) in enumerate(sorted(set(reads))):
        if runs and (runs[-1].tensor, runs[-1].end) == (tensor, element):
            runs[-1] = Run(tensor, runs[-1].first, element + 1, runs[-1].data)
        else:
            runs.append(Run(tensor, element, element + 1, 4 * count))
        pieces.append(tensors[tensor][element : element + 1].astype(">f4").tobytes())
    return Opened(runs, b"".join(pieces))


def compare(calculator: Calculator, program: Program, tensors: Sequence[Floats], number: int, element: int) -> None:
    operation = program.operations[number - program.first]
    expected = reference(program, number, element, lambda t, e: np.float32(tensors[t][e]))
    opened = open_reads(expected.reads, tensors)
    found = calculator.evaluate(operation.descriptor(), element, opened.runs, opened.data)
    claimed = tensors[number][element : element + 1]
    assert same(np.array([found], np.uint32).view(np.float32), claimed), (operation, element)


def pattern(operation: Operation) -> tuple[object, ...]:
    """What the contract's way through an operation depends on."""
    strides = tuple((v.red, len(v.out)) for v in operation.reduced)
    axes = tuple((a.base < 0, a.divisor, len([f for f in a.factors if f])) for a in operation.axes)
    extents = (len(operation.shape), *operation.reduction)
    return operation.kind, extents, strides, axes, operation.code, operation.elementwise


def traces(name: str) -> Iterator[tuple[Program, list[Floats]]]:
    """A model's step on four images, and its evaluation of one, with all tensors."""
    rng = np.random.default_rng(5)
    images, labels = rng.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, 4, dtype=np.uint8)
    model = build_model(name)
    state, stepper = State.initial(model, 1), Stepper(model, 4, RATE)
    yield stepper.program, [t.reshape(-1) for t in stepper.run(state, images, labels).trace.tensors()]
    workspace = Workspace(model.evaluation_program(1))
    program = workspace.program
    workspace.state[:] = state.flat
    workspace.tensors[program.first - 2][:] = images[:1]
    workspace.tensors[program.first - 1][:] = labels[:1]
    assert workspace.run()
    yield program, [t.reshape(-1) for t in workspace.tensors]


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_elements_of_every_model(calculator: Calculator, name: str) -> None:
    """Some of every operation that differs from the others."""
    rng = np.random.default_rng(11)
    for program, tensors in traces(name):
        seen: set[tuple[object, ...]] = set()
        for number, operation in enumerate(program.operations, program.first):
            assert calculator.size(operation.descriptor()) == operation.size
            if pattern(operation) in seen:
                continue
            seen.add(pattern(operation))
            for element in rng.integers(0, operation.size, PER_SHAPE):
                compare(calculator, program, tensors, number, int(element))
        assert {kind for kind, *_ in seen} >= {Kind.GATHER, Kind.DOT, Kind.SUM, Kind.MAP}


def test_random_programs(calculator: Calculator) -> None:
    """Strides of any sign, overlaps, traps among the numbers, every instruction and every kind."""
    kinds: set[Kind] = set()
    for seed in range(RANDOM_PROGRAMS):
        author = Author(seed)
        for _ in range(5):
            author.operation()
        program = author.builder.program(0)
        workspace = Workspace(program)
        for tensor, given in zip(workspace.tensors, author.inputs(), strict=False):
            tensor[...] = given
        workspace.run()
        flat = [t.reshape(-1) for t in workspace.tensors]
        for number, operation in enumerate(program.operations, program.first):
            if operation.terms > MOST_TERMS:
                continue
            kinds.add(operation.kind)
            for element in author.rng.integers(0, operation.size, 2):
                compare(calculator, program, flat, number, int(element))
    assert kinds == set(Kind)


def test_what_is_not_opened_is_refused(calculator: Calculator) -> None:
    program, tensors = next(traces("cnn"))
    number, operation = next((n, o) for n, o in enumerate(program.operations, program.first) if o.kind is Kind.DOT)
    reads = reference(program, number, 0, lambda t, e: np.float32(tensors[t][e])).reads
    opened = open_reads(reads[:-1], tensors)
    with pytest.raises(Reverted):
        calculator.evaluate(operation.descriptor(), 0, opened.runs, opened.data)
