"""Does the processor compute as the arithmetic is defined? Any library may change that, for the thread it runs in."""

from __future__ import annotations

import numpy as np

from pol_oracle.protocol.errors import ArithmeticFault

from ..expressions import FloatArray
from .jit import compiled

# 1, half of its last bit, the next two numbers, the smallest normal one, and what halves it and makes it large again
_WORDS = (0x3F800000, 0x33800000, 0x3F800001, 0x3F800002, 0x00800000, 0x3F000000, 0x71800000, 0x32000000)
_NUMBERS: FloatArray = np.array(_WORDS, np.uint32).view(np.float32)


@compiled("b1(f4[::1])")
def _exact(x: FloatArray) -> bool:
    """Ties go to even numbers, one of them down and one up; half of the smallest normal number is not zero."""
    rounded = x[0] + x[1] == x[0] and x[2] + x[1] == x[3]
    return bool(rounded and x[4] * x[5] * x[6] == x[7])


def require_exact() -> None:
    """Looks whether this thread keeps subnormal numbers and rounds to the nearest; takes well under a microsecond.

    Raises:
        ArithmeticFault: it does not.
    """
    if not _exact(_NUMBERS):
        raise ArithmeticFault(
            "some library has set this process to flush subnormal floats to zero, or to round another way; do not sign "
            "anything with it"
        )
