"""Initial weights from a seed, by integers.

Element i of the state (counted through all tensors in declaration order) takes 24 bits of splitmix64 (Steele, Lea and
Flood, 2014) at counter i + 1, as an integer u in [-2^23, 2^23), and is ``(u * 2^-23) * bound``: the first product is
exact, the second rounded once. ``bound = sqrt(6 / fan_in)`` in binary32 (He et al., 2015, for a uniform distribution);
for the last layer ``sqrt(1 / fan_in)``. Norm scales and running variances start at 1, everything else at 0.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from .expressions import FloatArray
from .models import Model, Weight

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def splitmix64(seed: int, counters: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Returns the generator's outputs number ``counters`` (1, 2, ...) for a 64-bit seed."""
    z = np.uint64(seed % 2**64) + counters * GOLDEN
    z = (z ^ (z >> np.uint64(30))) * MIX[0]
    z = (z ^ (z >> np.uint64(27))) * MIX[1]
    return z ^ (z >> np.uint64(31))


def initial_weights(model: Model, seed: int) -> FloatArray:
    """Returns the flat initial state, float32 [model.elements]."""
    parts, at = [], 0
    for weight in model.state:
        size = prod(weight.shape)
        parts.append(_tensor(weight, seed, at, size))
        at += size
    return np.concatenate(parts)


def _tensor(weight: Weight, seed: int, at: int, size: int) -> FloatArray:
    if not weight.fan_in:
        return np.full(size, weight.start, np.float32)
    words = splitmix64(seed, np.arange(at + 1, at + size + 1, dtype=np.uint64))
    integers = (words >> np.uint64(40)).astype(np.int32) - np.int32(1 << 23)
    gain = np.float32(6 if len(weight.shape) == 4 else 1)
    bound = np.sqrt(gain / np.float32(weight.fan_in))
    return np.asarray(integers.astype(np.float32) * np.float32(2.0**-23) * bound, np.float32)
