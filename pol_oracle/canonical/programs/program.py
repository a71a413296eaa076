"""Programs: straight lists of operations, and the root that a task commits to.

Tensors are numbered through four sections, in this order:

    pre     the state's tensors, in declaration order
    batch   images (float 0..255, [n, 32, 32, 3]) and labels (float, [n])
    inner   one per operation
    post    one per operation; empty in an evaluation, whose last inner tensor holds the correct-bits

Mirror of ``contracts/lib/Trace.sol``.
"""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass
from math import prod
from typing import Protocol

from pol_oracle.protocol.hashing import Tag, keccak
from pol_oracle.protocol.positions import Tree

from ..commitments.trees import merkle_siblings, merkle_top, rows
from ..operations import Operation

INPUT = 0  # kind byte of the descriptor of a tensor that no operation writes


@dataclass(frozen=True)
class Program:
    """A compiled step or evaluation.

    Attributes:
        state: shapes of the state's tensors.
        batch: shapes of images and labels.
        operations: operation i writes tensor ``first + i``.
        posts: how many of the last operations write the new state.
    """

    state: tuple[tuple[int, ...], ...]
    batch: tuple[tuple[int, ...], ...]
    operations: tuple[Operation, ...]
    posts: int

    @property
    def first(self) -> int:
        """Number of the first tensor that an operation writes."""
        return len(self.state) + len(self.batch)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of all tensors, by number."""
        return self.state + self.batch + tuple(op.shape for op in self.operations)

    def operation_of(self, tensor: int) -> Operation | None:
        """The operation that writes ``tensor``; None for an input."""
        return self.operations[tensor - self.first] if tensor >= self.first else None

    def numbered(self, label: str) -> int:
        """Number of the tensor with this label, such as "logits"."""
        labels = [op.label for op in self.operations]
        return self.first + labels.index(label)

    @property
    def posts_from(self) -> int:
        """Number of the first tensor of the new state; where the tensors end, in an evaluation."""
        return len(self.shapes) - self.posts

    def descriptors(self) -> list[bytes]:
        """One per tensor: ``uint8 0 ‖ uint64 elements`` for an input, else its operation's."""
        inputs = [struct.pack(">BQ", INPUT, prod(shape)) for shape in self.state + self.batch]
        return inputs + [op.descriptor() for op in self.operations]


class HasProgram(Protocol):
    """A stepper or an evaluator."""

    @property
    def program(self) -> Program:
        """What it runs."""


@dataclass(frozen=True)
class Sections:
    """Mirror of ``Sections`` in ``Trace.sol``.

    It counts tensors of a state, of a batch, of the step, of the step's new state, and of an evaluation.
    """

    states: int
    batches: int
    step_tensors: int
    posts: int
    evaluation_tensors: int

    def packed(self) -> bytes:
        """The counts as the program root hashes them."""
        return struct.pack(">5I", *astuple(self))


@dataclass(frozen=True)
class ProgramOpening:
    """One descriptor, opened up to the program root; a ``program`` of ``ICourt.sol``."""

    sections: Sections
    descriptor: bytes
    path: tuple[bytes, ...]

    def abi(self) -> bytes:
        """The opening as the ABI takes it."""
        return self.sections.packed() + len(self.descriptor).to_bytes(2) + self.descriptor + b"".join(self.path)


class ProgramTree:
    """The Merkle tree over the step's descriptors followed by the evaluation's.

    Attributes:
        sections: how many tensors there are of each kind.
        root: ``keccak(PROGRAM_ROOT ‖ uint32 sections... ‖ top)``; what a task commits to, 32 bytes.
    """

    def __init__(self, stepper: HasProgram, evaluator: HasProgram) -> None:
        step, evaluation = stepper.program, evaluator.program
        self._programs = {Tree.STEP: step, Tree.SEGMENT: step, Tree.BEFORE: evaluation, Tree.AFTER: evaluation}
        self._descriptors = step.descriptors() + evaluation.descriptors()
        self._leaves = [keccak(Tag.PROGRAM_LEAF + d) for d in self._descriptors]
        self.sections = Sections(len(step.state), len(step.batch), len(step.shapes), step.posts, len(evaluation.shapes))
        self.root = keccak(Tag.PROGRAM_ROOT + self.sections.packed() + merkle_top(self._leaves, Tag.PROGRAM_NODE))

    def program(self, tree: Tree) -> Program:
        """Returns the program that makes this kind of trace."""
        return self._programs[tree]

    def open(self, tree: Tree, tensor: int) -> ProgramOpening:
        """Opens the descriptor of a tensor."""
        number = self.sections.step_tensors + tensor if tree.evaluates else tensor
        path = merkle_siblings(rows(self._leaves), [number], Tag.PROGRAM_NODE)
        return ProgramOpening(self.sections, self._descriptors[number], path)
