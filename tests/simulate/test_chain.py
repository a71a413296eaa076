"""The tree keeps the protocol's rules."""

from __future__ import annotations

import numpy as np
import pytest

from pol_oracle.protocol.difficulty import BIT, from_bits, work
from pol_oracle.simulate.chain import ACCEPTED, BlockTree, ChainRules, fitting_difficulty, tries_per_block

RULES = ChainRules(600, 3600)
SPACES = (
    [600] * 40,
    [0] * 20 + [1200] * 20,
    [1200] * 20 + [0] * 20,
    [min(int(x), RULES.target_interval + RULES.half_life) for x in np.random.default_rng(1).exponential(600, 40)],
)


def chain(times: list[int], start: int = from_bits(20)) -> BlockTree:
    tree = BlockTree(RULES, start)
    for miner, at in enumerate(times):
        tree.propose(tree.head, miner, at)
    return tree


@pytest.mark.parametrize("spaces", SPACES)
def test_the_moves_of_a_branch_telescope(spaces: list[int]) -> None:
    """Where no interval is too long to count, only length and duration do, but for each move's rounding down."""
    times = [int(x) for x in np.cumsum(spaces)]

    end = chain(times).head.next_difficulty

    exact = from_bits(20) + (600 * len(times) - times[-1]) * BIT / 3600
    assert exact - len(times) <= end <= exact


def test_what_an_attacker_moves_in_between_does_not_change_the_end() -> None:
    honest = [600, 1260, 1800, 2460, 3000]
    moved = [600, 1740, 1800, 2940, 3000]  # all on whole steps of 1/1024 bit but for rounding

    ends = {chain(times).head.next_difficulty for times in (honest, moved)}

    assert max(ends) - min(ends) <= len(honest)


def test_a_timestamp_gains_less_than_a_percent_by_rounding() -> None:
    """Each move loses less than a unit: a branch of blocks that all do so is faster by half-life / 1024 per block."""
    assert RULES.half_life / BIT / RULES.target_interval < 0.01


def test_the_head_has_most_work_and_the_first_seen_wins_a_tie() -> None:
    tree = BlockTree(RULES, from_bits(10))
    genesis = tree.head
    first, second = tree.propose(genesis, 0, 100), tree.propose(genesis, 1, 112)
    assert first.total_work == second.total_work == work(from_bits(10))
    assert tree.head is first

    child = tree.propose(second, 1, 200)

    assert tree.head is child
    assert list(tree.branch(child)) == [child, second]


def test_a_fitting_difficulty_gives_the_target_interval() -> None:
    difficulty = fitting_difficulty(power=3000, target_interval=600)
    assert tries_per_block(difficulty) / 3000 == pytest.approx(600, rel=1e-3)
    assert tries_per_block(from_bits(20)) == 2**20 / ACCEPTED
