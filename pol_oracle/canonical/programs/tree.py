"""The root of both programs that a task commits to, and openings up to it. Mirror of ``contracts/lib/Trace.sol``."""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass
from typing import Protocol

from pol_oracle.protocol.hashing import Tag, keccak
from pol_oracle.protocol.positions import Tree

from ..commitments.trees import merkle_siblings, merkle_top, rows
from .program import Program


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
