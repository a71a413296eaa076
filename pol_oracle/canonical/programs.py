"""Programs: straight lists of operations, and the root that a task commits to.

Tensors are numbered through four sections, in this order:

    pre     the state's tensors, in declaration order
    batch   images (float 0..255, [n, 32, 32, 3]) and labels (float, [n])
    inner   one per operation
    post    one per operation; empty in an evaluation, whose last inner tensor holds the correct-bits
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from typing import Protocol

from pol_oracle.protocol.hashing import Tag, keccak

from .operations import Operation
from .trees import merkle_top

INPUTS = 0  # kind byte of the descriptor that opens a program


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

    def descriptors(self) -> list[bytes]:
        """What the program root commits to: the sections with the inputs' sizes, then every operation.

        uint8 0 ‖ uint32 state tensors ‖ uint32 batch tensors ‖ uint32 operations ‖ uint32 posts ‖ uint64 sizes...
        """
        sizes = [prod(shape) for shape in self.state + self.batch]
        counts = (len(self.state), len(self.batch), len(self.operations), self.posts)
        head = struct.pack(f">BIIII{len(sizes)}Q", INPUTS, *counts, *sizes)
        return [head, *(op.descriptor() for op in self.operations)]


class HasProgram(Protocol):
    """A stepper or an evaluator."""

    @property
    def program(self) -> Program: ...


def program_root(stepper: HasProgram, evaluator: HasProgram) -> bytes:
    """Returns the 32-byte Merkle root of the step's descriptors followed by the evaluation's."""
    descriptors = stepper.program.descriptors() + evaluator.program.descriptors()
    leaves = [keccak(Tag.PROGRAM_LEAF + d) for d in descriptors]
    top = merkle_top(leaves, Tag.PROGRAM_NODE)
    return keccak(Tag.PROGRAM_ROOT + len(leaves).to_bytes(8, "big") + top)
