"""Difficulty and work. Bits are whole numbers here; every block keeps the bits it was born with."""

from __future__ import annotations

from .errors import RuleError

MAX_BITS = 64


def work(bits: int) -> int:
    """Returns the expected number of tries behind a block of ``bits`` requirements: 2**bits.

    Raises:
        RuleError: ``bits`` is outside 0 .. 64.
    """
    if not 0 <= bits <= MAX_BITS:
        raise RuleError(f"difficulty must be 0 to {MAX_BITS} bits, not {bits}")
    return 1 << bits
