"""Difficulty: what a real number of bits costs, and how it follows the pace of the chain."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.protocol.difficulty import (
    BIT,
    MAX_DIFFICULTY,
    from_bits,
    most_bits,
    needed_bits,
    retarget,
    to_bits,
    whole_bits,
    work,
)
from pol_oracle.protocol.errors import RuleError

WORD = st.binary(min_size=32, max_size=32)
DIFFICULTY = st.integers(0, MAX_DIFFICULTY)
TARGET, HALF_LIFE = 600, 3600


@given(DIFFICULTY)
def test_a_block_of_b_bits_stands_for_2_to_the_b_tries(difficulty: int) -> None:
    expected = 2 ** to_bits(difficulty)
    assert work(difficulty) == pytest.approx(expected, rel=0, abs=1 + 2e-4 * expected)  # rounded down


def test_work_rises_with_every_step_of_difficulty_from_16_bits_on() -> None:
    works = [work(d) for d in range(MAX_DIFFICULTY + 1)]
    assert works == sorted(works)
    assert len(set(works[16 * BIT :])) == len(works[16 * BIT :])
    assert [works[b * BIT] for b in range(64)] == [2**b for b in range(64)]


@pytest.mark.parametrize("difficulty", [-1, MAX_DIFFICULTY + 1])
def test_difficulty_out_of_range(difficulty: int) -> None:
    with pytest.raises(RuleError, match="bits"):
        work(difficulty)
    with pytest.raises(RuleError, match="bits"):
        from_bits(to_bits(difficulty))


@given(DIFFICULTY)
def test_bits_survive_being_written(difficulty: int) -> None:
    assert from_bits(to_bits(difficulty)) == difficulty


@given(DIFFICULTY, DIFFICULTY, WORD, WORD)
def test_a_proof_holds_for_every_lower_difficulty(one: int, other: int, seed: bytes, post_root: bytes) -> None:
    """Fewer requirements are the first ones of more: so a miner may search at what a block will have at most."""
    low, high = sorted((one, other))
    assert needed_bits(low, seed, post_root) <= needed_bits(high, seed, post_root)
    assert whole_bits(high) <= needed_bits(high, seed, post_root) <= most_bits(high)


@pytest.mark.parametrize("difficulty", [5 * BIT + f for f in (0, 1, 100, 512, 900, 1023)])
def test_a_step_passes_as_often_as_its_difficulty_says(difficulty: int) -> None:
    """A requirement is met by half of all steps, so the share that passes is the mean of 2^-bits."""
    tries = 20_000
    drawn = [needed_bits(difficulty, bytes(32), i.to_bytes(32, "big")) for i in range(tries)]
    share = sum(2.0**-bits for bits in drawn) / tries
    assert share == pytest.approx(2 ** -to_bits(difficulty), rel=4 * 0.5 / math.sqrt(tries))


def test_a_miner_cannot_tell_the_harder_nonces_without_the_step() -> None:
    """One seed, many W': with some of them it needs one more."""
    needed = {needed_bits(5 * BIT + 512, b"\1" * 32, i.to_bytes(32, "big")) for i in range(50)}
    assert needed == {5, 6}


@given(DIFFICULTY, st.integers(0, 2**40), st.integers(0, 2**40), DIFFICULTY, DIFFICULTY)
def test_later_blocks_are_never_harder_and_bounds_are_kept(own: int, one: int, other: int, a: int, b: int) -> None:
    (early, late), (low, high) = sorted((one, other)), sorted((a, b))
    after_early, after_late = (retarget(own, t, TARGET, HALF_LIFE, low, high) for t in (early, late))
    assert low <= after_late <= after_early <= high


@given(st.lists(st.integers(0, 4 * TARGET), min_size=1, max_size=50), st.integers(3 * TARGET, 10**6))
def test_moves_add_up_to_what_the_whole_length_gives(intervals: list[int], half_life: int) -> None:
    """Where no bound cuts, times in between do not matter but for the rounding: less than a step a block, downwards."""
    start = at = 2**40
    for elapsed in intervals:
        at = retarget(at, elapsed, TARGET, half_life, 0, 2**41)
    exact = start + (TARGET * len(intervals) - sum(intervals)) * BIT / half_life
    assert exact - len(intervals) < at <= exact


def test_one_half_life_of_delay_is_one_bit() -> None:
    assert retarget(8 * BIT, TARGET + HALF_LIFE, TARGET, HALF_LIFE, 0, MAX_DIFFICULTY) == 7 * BIT
    assert retarget(8 * BIT, TARGET, TARGET, HALF_LIFE, 0, MAX_DIFFICULTY) == 8 * BIT
    assert retarget(8 * BIT, TARGET + 1, TARGET, HALF_LIFE, 0, MAX_DIFFICULTY) == 8 * BIT - 1  # rounded down


@given(DIFFICULTY, st.integers(0, 2**40), st.integers(0, 2**32), st.integers(1, 2**32))
def test_one_long_interval_makes_no_storm(own: int, elapsed: int, target: int, half_life: int) -> None:
    """However late a block is, its children are half as hard at the least, and not even a second more changes that."""
    after = retarget(own, elapsed, max(1, target), half_life, 0, 2**80)
    assert after >= own - BIT or after == 0
    if elapsed >= max(1, target) + half_life:
        assert after == max(0, own - BIT)


def test_without_a_target_interval_nothing_moves() -> None:
    assert retarget(5000, 10**9, 0, 0, 1, 9000) == 5000


def test_what_a_bound_cut_off_is_not_owed() -> None:
    low = retarget(BIT + BIT // 2, 10**9, TARGET, HALF_LIFE, BIT, MAX_DIFFICULTY)
    assert low == BIT
    assert retarget(low, 0, TARGET, HALF_LIFE, BIT, MAX_DIFFICULTY) > BIT


@pytest.mark.parametrize(("jump", "blocks"), [(10, 31), (0.1, 12)])
def test_a_tenfold_jump_of_the_hash_rate_is_followed_within_forty_blocks(jump: float, blocks: int) -> None:
    """With the default half-life of six intervals, and every block after as long as it takes on average."""
    difficulty, rate, found = 10 * BIT, jump * 2**10 / TARGET, 0
    while not 0.8 <= (interval := 2 ** to_bits(difficulty) / rate) / TARGET <= 1.25:
        difficulty = retarget(difficulty, round(interval), TARGET, HALF_LIFE, BIT, MAX_DIFFICULTY)
        found += 1
    assert found == blocks
