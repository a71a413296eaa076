"""Difficulty: a real number of bits, what it demands of a block, and how it follows the chain's pace.

Difficulties are whole numbers of 1/1024 bit here and on L1 (``contracts/lib/Difficulty.sol``); b means such a number
divided by 1024. A block of b bits stands for 2^b tries:

    requirements   floor(b), and one more where a hash of the seed and of postRoot falls under a threshold t. The share
                   of steps that pass is 2^-floor(b) * (1 - t/2), and t = 2 - 2 * 2^(floor(b) - b) makes that 2^-b.
                   postRoot is in the hash because a miner can hash nonces for nothing: told by the nonce alone, it
                   would step only those that need one requirement less, and a fraction of a bit would weigh nothing.
    work           2^b, rounded down to whole tries.
    retargeting    ASERT (Werner et al., 2020; BCH's aserti3, 2020) from one block to the next. In bits it is linear: a
                   block that took d seconds instead of T moves b by (T - d) / half-life, by a bit downwards at most:
                   one very long interval must not make the blocks after it so easy that everybody finds one at once.
                   Over a branch the moves add up to its length alone, so which timestamps a miner picks in between is
                   of no use to it. Each move is rounded down and the result kept in [minimum, maximum], from where it
                   leaves at once: what was cut off is not owed.

2^x for 0 <= x < 1 is aserti3's cubic in 16 binary places, good to 0.013 %; every implementation computes it alike.
"""

from __future__ import annotations

from .errors import RuleError
from .hashing import Tag, keccak

BIT = 1024
MAX_DIFFICULTY = 63 * BIT
ANY_DIFFICULTY = 2**16 - 1  # for whoever proposes or attests whatever the difficulty became

_ONE = 1 << 16  # of the fixed point behind 2^x
_HASH_RANGE = 1 << 64


def from_bits(bits: float) -> int:
    """Returns the difficulty nearest to a real number of bits.

    Raises:
        RuleError: outside 0 .. 63 bits.
    """
    if not 0 <= bits <= MAX_DIFFICULTY / BIT:
        raise RuleError(f"difficulty must be 0 to {MAX_DIFFICULTY // BIT} bits, not {bits:g}")
    return round(bits * BIT)


def to_bits(difficulty: int) -> float:
    """Returns a difficulty as a number of bits."""
    return difficulty / BIT


def whole_bits(difficulty: int) -> int:
    """Returns floor(b): how many requirements every block must satisfy."""
    return difficulty // BIT


def most_bits(difficulty: int) -> int:
    """Returns how many requirements a block may have to satisfy: ceil(b)."""
    return -(-difficulty // BIT)


def needed_bits(difficulty: int, seed: bytes, post_root: bytes) -> int:
    """Returns how many requirements a block must satisfy: floor(b), or one more.

    Args:
        difficulty: the block's, in 1/1024 bit.
        seed: 32 bytes, see ``derivation.seed``.
        post_root: root of W'.
    """
    power = _power(difficulty % BIT)
    threshold = _HASH_RANGE * 2 * (power - _ONE) // power
    drawn = int.from_bytes(keccak(Tag.EXTRA + seed + post_root)[:8], "big")
    return whole_bits(difficulty) + (drawn < threshold)


def work(difficulty: int) -> int:
    """Returns the expected number of tries behind a block: 2^b, rounded down.

    Raises:
        RuleError: outside 0 .. 63 bits.
    """
    if not 0 <= difficulty <= MAX_DIFFICULTY:
        raise RuleError(f"difficulty must be 0 to {MAX_DIFFICULTY // BIT} bits, not {to_bits(difficulty):g}")
    return (_power(difficulty % BIT) << whole_bits(difficulty)) // _ONE


def retarget(difficulty: int, elapsed: int, target_interval: int, half_life: int, minimum: int, maximum: int) -> int:
    """Returns the difficulty of a block's children.

    Args:
        difficulty: the block's own.
        elapsed: seconds of L1 from the parent's proposal to the block's.
        target_interval: T in seconds; 0 keeps every block at its parent's difficulty.
        half_life: seconds of delay that make a block half as hard, which is the most; more than 0 unless T is.
        minimum: the least difficulty.
        maximum: the greatest.
    """
    if target_interval == 0:
        return difficulty
    moved = difficulty + max(target_interval - elapsed, -half_life) * BIT // half_life
    return min(max(moved, minimum), maximum)


def _power(fraction: int) -> int:
    """2^(fraction / 1024) in 16 binary places: 65,536 .. 131,071."""
    x = fraction * (_ONE // BIT)
    return _ONE + ((195766423245049 * x + 971821376 * x**2 + 5127 * x**3 + (1 << 47)) >> 48)
