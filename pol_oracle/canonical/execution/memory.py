"""Where everything that a program touches lies in one float32 array.

In this order: the state, the batch, the inner tensors, the new state; then the constants and coordinates that its
expressions name, and one set of registers per thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np

from ..expressions import Code, FloatArray, decode
from ..kernels.elementwise import BLOCK, REGISTERS
from ..programs.program import Program

ALIGNMENT = 16  # floats; a cache line


class Memory:
    """The array and its addresses (element numbers in it).

    Args:
        program: what will run in it.
        threads: how many sets of registers.

    Attributes:
        flat: the array.
        tensors: views of all tensors, by number.
        addresses: where each of them starts.
    """

    def __init__(self, program: Program, threads: int) -> None:
        shapes = program.shapes
        self.addresses = _layout(program)
        at = self.addresses[-1] + prod(shapes[-1])
        constants, extent = _named(program)
        self._constants = {bits: at + i for i, bits in enumerate(constants)}
        self._coordinates = at + len(constants)
        self._registers = _aligned(self._coordinates + extent)
        self.flat: FloatArray = np.zeros(self._registers + threads * REGISTERS * BLOCK, np.float32)
        self.flat.view(np.uint32)[at : at + len(constants)] = constants
        self.flat[self._coordinates : self._coordinates + extent] = np.arange(extent)
        self.tensors = tuple(
            self.flat[at : at + prod(shape)].reshape(shape) for at, shape in zip(self.addresses, shapes, strict=True)
        )

    def constant(self, bits: int) -> int:
        """Address of a constant."""
        return self._constants[bits]

    @property
    def coordinates(self) -> int:
        """Address of 0, 1, 2, ..."""
        return self._coordinates

    def registers(self, thread: int) -> int:
        """Address of a thread's register 0."""
        return self._registers + thread * REGISTERS * BLOCK


def _aligned(at: int) -> int:
    return -(-at // ALIGNMENT) * ALIGNMENT


def _layout(program: Program) -> list[int]:
    """Addresses of all tensors; the state's and the new state's are packed, as in ``State.flat``."""
    addresses, at = [], 0
    packed_from = len(program.shapes) - program.posts
    for number, shape in enumerate(program.shapes):
        if len(program.state) <= number <= packed_from:
            at = _aligned(at)
        addresses.append(at)
        at += prod(shape)
    return addresses


def _named(program: Program) -> tuple[list[int], int]:
    """The bits of all constants, and the greatest extent of a dimension whose coordinate is used."""
    constants, extents = set(), [0]
    for operation in program.operations:
        for code, immediate in _immediates(operation.code):
            if code == Code.CONST:
                constants.add(immediate)
            else:
                extents.append(operation.shape[immediate])
    return sorted(constants), max(extents)


def _immediates(code: bytes) -> Iterable[tuple[int, int]]:
    return [pair for pair in decode(code) if pair[0] in (Code.CONST, Code.COORD)]
