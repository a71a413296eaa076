"""Large arrays that are used again: asking the system for fresh memory costs as much as filling it."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from ..expressions import FloatArray

KEPT = 4  # arrays that wait for their next use


class Blocks:
    """Hands out arrays of one size. An array comes back by itself when the last view of it is gone.

    Args:
        size: floats.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._free: deque[FloatArray] = deque(maxlen=KEPT)

    def take(self) -> FloatArray:
        """Returns an array with arbitrary content."""
        try:
            block = self._free.pop()
        except IndexError:
            block = np.empty(self._size, np.float32)
        return np.asarray(_Lease(block, self._free))


class _Lease:
    """What numpy's views of a block keep alive."""

    def __init__(self, block: FloatArray, free: deque[FloatArray]) -> None:
        self._block, self._free = block, free
        self.__array_interface__: dict[str, Any] = block.__array_interface__

    def __del__(self) -> None:
        self._free.append(self._block)
