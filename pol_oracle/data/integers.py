"""Random integers that are the same on every machine: SplitMix64 in wrapping uint64 arithmetic.

Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014). The generator is counter-based:
word i is a function of the key and of i alone, so whole arrays come at once and no library's generator is involved.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.hashing import keccak

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


class Integers:
    """A stream of pseudo-random integers, named by a seed and a label.

    Args:
        seed: any non-negative integer below 2**256.
        label: separates streams of one seed.
    """

    def __init__(self, seed: int, label: str) -> None:
        digest = keccak(seed.to_bytes(32, "big") + label.encode())
        self._key = np.uint64(int.from_bytes(digest[:8], "big"))
        self._drawn = 0

    def words(self, count: int) -> NDArray[np.uint64]:
        """Returns the next ``count`` words, uint64 [count], uniform over all 64 bits."""
        counter = np.arange(self._drawn + 1, self._drawn + count + 1, dtype=np.uint64)
        self._drawn += count
        z = self._key + counter * _STEP
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        return z ^ (z >> np.uint64(31))

    def between(self, low: int, high: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Returns integers from ``low`` to ``high``, both included, int64 of the given shape.

        A word's upper half is scaled to the range; for the small ranges used here the bias is below 2**-20.
        """
        span = np.uint64(high - low + 1)
        count = int(np.prod(shape, dtype=np.int64))
        scaled = (self.words(count) >> np.uint64(32)) * span >> np.uint64(32)
        return scaled.astype(np.int64).reshape(shape) + low

    def triangular(self, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Returns sums of two uniform bytes less 255: -255 .. 255, likeliest at 0; int64. Four come from one word."""
        count = int(np.prod(shape, dtype=np.int64))
        pairs = self.words(-(-count // 4)).astype("<u8").view("<u2")[:count]
        return ((pairs & 255) + (pairs >> 8)).astype(np.int64).reshape(shape) - 255

    def permutation(self, count: int) -> NDArray[np.int64]:
        """Returns 0 .. count-1 in random order, int64 [count]."""
        return np.argsort(self.words(count), kind="stable").astype(np.int64)
