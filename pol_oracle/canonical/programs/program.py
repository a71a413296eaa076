"""Programs: straight lists of operations.

Tensors are numbered through four sections, in this order:

    pre     the state's tensors, in declaration order
    batch   images (float 0..255, [n, 32, 32, 3]) and labels (float, [n])
    inner   one per operation
    post    one per operation; empty in an evaluation, whose last inner tensor holds the correct-bits

Mirror of ``contracts/lib/Trace.sol``. Hashes nothing, so that whoever only wants to know a model need not load kernels.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod

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
