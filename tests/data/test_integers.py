"""The integer generator."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.data.integers import Integers
from pol_oracle.protocol.hashing import keccak


def splitmix(key: int, count: int) -> list[int]:
    """SplitMix64 in plain Python integers."""
    mask, words = (1 << 64) - 1, []
    for i in range(1, count + 1):
        z = key + i * 0x9E3779B97F4A7C15 & mask
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        words.append(z ^ z >> 31)
    return words


@given(st.integers(0, 2**64), st.text(max_size=8), st.lists(st.integers(0, 9), max_size=4))
def test_words_are_splitmix64_however_they_are_drawn(seed: int, label: str, portions: list[int]) -> None:
    key = int.from_bytes(keccak(seed.to_bytes(32, "big") + label.encode())[:8], "big")
    stream = Integers(seed, label)
    drawn = [int(word) for portion in portions for word in stream.words(portion)]
    assert drawn == splitmix(key, sum(portions))


def test_the_published_words_of_key_zero() -> None:
    stream = Integers(0, "")
    stream._key = np.uint64(0)
    # first outputs of the authors' reference program (and of Java's SplittableRandom) for seed 0
    assert [f"{int(word):016x}" for word in stream.words(3)] == [
        "e220a8397b1dcdaf",
        "6e789e6aa1b965f4",
        "06c45d188009454f",
    ]


@given(st.integers(-1000, 1000), st.integers(0, 1000))
def test_between_keeps_its_bounds_and_reaches_them(low: int, span: int) -> None:
    drawn = Integers(1, "bounds").between(low, low + span, (20 * (span + 1), 2))
    assert drawn.min() == low
    assert drawn.max() == low + span


def test_triangular_is_centred() -> None:
    drawn = Integers(1, "noise").triangular((100, 1001))
    assert (drawn.min(), drawn.max()) == (-255, 255)
    assert abs(drawn.mean()) < 1
    assert 103 < drawn.std() < 106  # two bytes: sqrt(2 * (256**2 - 1) / 12) = 104.5


def test_permutation_holds_everything_once() -> None:
    assert sorted(Integers(7, "p").permutation(1000)) == list(range(1000))
    assert list(Integers(7, "p").permutation(1000)) != list(Integers(8, "p").permutation(1000))
