"""The simulation where theory says what must come out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pol_oracle.protocol.difficulty import BIT
from pol_oracle.simulate.attackers import Attacker
from pol_oracle.simulate.chain import ChainRules
from pol_oracle.simulate.engine import PowerChange, Simulation
from pol_oracle.simulate.network import Miners, Network, alike, mixed
from pol_oracle.simulate.outcome import Outcome

RULES = ChainRules()
INSTANT = Network(slot=1, confirmations=0, segment=0)


def run(miners: Miners, network: Network = INSTANT, blocks: int = 4000, seed: int = 1) -> Outcome:
    return Simulation(RULES, network, miners, seed).run(blocks)


def test_the_seed_decides_everything() -> None:
    first, again, other = (run(mixed(30, np.random.default_rng(1)), Network(), 500, seed) for seed in (1, 1, 2))

    assert np.array_equal(first.at, again.at)
    assert np.array_equal(first.miner, again.miner)
    assert not np.array_equal(first.at, other.at)


def test_the_interval_is_the_target() -> None:
    """What rounding down takes is half a unit per block: 0.3 % of the interval."""
    outcome = run(alike(30))
    assert outcome.interval == pytest.approx(RULES.target_interval, rel=0.01)


def test_without_delays_there_are_no_orphans_and_shares_are_power() -> None:
    """But for two finds in the same second."""
    miners = Miners(np.array([100.0, 200.0, 700.0]), np.zeros(3))

    outcome = run(miners, blocks=8000)

    assert outcome.orphan_rate < 0.004
    assert outcome.powers()[:3] == pytest.approx([0.1, 0.2, 0.7])
    assert outcome.rewards()[:3] == pytest.approx([0.1, 0.2, 0.7], abs=0.015)


@pytest.mark.parametrize("delay", [30, 60, 120])
def test_orphans_grow_with_the_delay(delay: int) -> None:
    """While a block is checked, everybody else's power is lost: delay / T of all finds, which is 1 - exp(-delay / T) to
    first order. Not beyond, since ASERT keeps the interval of the chain, not of all finds."""
    outcome = run(alike(100, check=delay), blocks=8000)

    assert outcome.orphan_rate == pytest.approx(delay / 600, abs=0.012)
    assert outcome.orphan_rate == pytest.approx(1 - math.exp(-delay / 600), abs=0.035)


def test_a_large_miner_gains_from_the_delay() -> None:
    """It has its own blocks at once; the others' share shrinks."""
    miners = Miners(np.array([500.0, *[25.0] * 20]), np.full(21, 120.0))

    outcome = run(miners, blocks=8000)

    assert outcome.rewards()[0] > 0.53
    assert outcome.worth(outcome.smallest_half()) < 0.94


def test_a_segment_takes_time_from_the_search_but_makes_no_orphans() -> None:
    """Whoever knows of a better block trains, and finds nothing that could lose to it."""
    plain, trained = (run(alike(30, check=0), replace(INSTANT, segment=s), 8000) for s in (0, 300))

    assert trained.intervals.min() >= 299
    assert trained.interval == pytest.approx(RULES.target_interval, rel=0.01)
    assert trained.orphan_rate < 0.01
    half = np.median(trained.difficulty) - np.median(plain.difficulty)
    assert half == pytest.approx(-BIT, abs=0.15 * BIT)


def test_who_leaves_finds_nothing_more() -> None:
    shifts = (PowerChange(0, 20), PowerChange(500, 5))
    outcome = Simulation(RULES, Network(), alike(20), 1, shifts=shifts).run(1000)

    assert set(outcome.miner[:500]) == set(range(20))
    assert set(outcome.miner[510:]) == set(range(5))
    assert outcome.tries[0] > 2 * outcome.tries[10]


def test_an_attacker_that_keeps_to_the_rules_gets_its_share() -> None:
    outcome = Simulation(RULES, INSTANT, alike(1, check=0), 1, Attacker(0.3)).run(8000)
    assert outcome.rewards()[-1] == pytest.approx(0.3, abs=0.015)
    assert outcome.powers()[-1] == pytest.approx(0.3, abs=0.001)


def test_ten_thousand_miners_are_possible() -> None:
    outcome = run(mixed(10_000, np.random.default_rng(1)), Network(), 300)

    assert outcome.interval == pytest.approx(600, rel=0.1)
    assert outcome.powers().max() <= 0.101
