"""What a requirement may name, as strided index ranges over the state's tensors.

They are leaves of 64 weights, or, under the paper's rules, single weights. Both are called places here.

A range names ``repeats`` runs of ``run`` consecutive places of one tensor, ``stride`` apart. Live taps of a
convolution whose outer taps only ever see padding are such a pattern, so one range covers a whole layer.
Eligible places are numbered range by range, run by run. On L1 a range is one word:

    tensor (uint32) ‖ start (uint64) ‖ run (uint32) ‖ stride (uint64) ‖ repeats (uint64)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .errors import RuleError
from .hashing import keccak


@dataclass(frozen=True)
class EligibleRange:
    """``repeats`` runs of ``run`` places of state tensor ``tensor``, beginning at ``start``."""

    tensor: int
    start: int
    run: int
    stride: int
    repeats: int

    @property
    def count(self) -> int:
        """Number of places the range names."""
        return self.run * self.repeats

    def pack(self) -> bytes:
        """Returns the range as one 32-byte word."""
        fields = ((self.tensor, 4), (self.start, 8), (self.run, 4), (self.stride, 8), (self.repeats, 8))
        return b"".join(value.to_bytes(size, "big") for value, size in fields)

    @staticmethod
    def unpack(word: bytes) -> EligibleRange:
        """Reads what :meth:`pack` wrote.

        Raises:
            RuleError: ``word`` is not 32 bytes.
        """
        if len(word) != 32:
            raise RuleError(f"an eligible range is 32 bytes, not {len(word)}")
        cuts = (0, 4, 12, 16, 24, 32)
        return EligibleRange(*(int.from_bytes(word[a:b], "big") for a, b in pairwise(cuts)))


@dataclass(frozen=True)
class EligibleWeights:
    """All eligible leaves of a task, or all eligible weights, in order."""

    ranges: tuple[EligibleRange, ...]

    @property
    def count(self) -> int:
        """How many leaves or weights R may name."""
        return sum(r.count for r in self.ranges)

    @property
    def hash(self) -> bytes:
        """``keccak256(abi.encodePacked(bytes32[] ranges))``, which the task commits to."""
        return keccak(b"".join(r.pack() for r in self.ranges))

    def locate(self, number: int) -> tuple[int, int]:
        """Returns (tensor, place) of eligible leaf or weight ``number``; both index the state's canonical layout.

        Raises:
            RuleError: there is no such place.
        """
        rest = number
        for r in self.ranges:
            if 0 <= rest < r.count:
                return r.tensor, r.start + rest // r.run * r.stride + rest % r.run
            rest -= r.count
        raise RuleError(f"eligible place {number} is out of range: the task has {self.count}")


def packed(ranges: Iterable[EligibleRange]) -> list[bytes]:
    """Returns the words that go into calldata."""
    return [r.pack() for r in ranges]


def unpacked(words: Sequence[bytes]) -> EligibleWeights:
    """Reads the words of :func:`packed`."""
    return EligibleWeights(tuple(EligibleRange.unpack(w) for w in words))
