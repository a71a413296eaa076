"""The simulation where theory says what must come out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pol_oracle.simulate.attackers import Attacker
from pol_oracle.simulate.chain import Rules
from pol_oracle.simulate.engine import Shift, Simulation
from pol_oracle.simulate.network import Delivery, Miners, Network, alike, mixed
from pol_oracle.simulate.outcome import Outcome

RULES = Rules()
INSTANT = Network(slot=1, confirmations=0, megabytes=0)


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
    miners = Miners(np.array([100.0, 200.0, 700.0]), *(np.full(3, x) for x in (100.0, 100.0, 0.0)))

    outcome = run(miners, blocks=8000)

    assert outcome.orphan_rate < 0.004
    assert outcome.powers()[:3] == pytest.approx([0.1, 0.2, 0.7])
    assert outcome.rewards()[:3] == pytest.approx([0.1, 0.2, 0.7], abs=0.015)


@pytest.mark.parametrize("delay", [30, 60, 120])
def test_orphans_grow_with_the_delay(delay: int) -> None:
    """While a block travels, everybody else's power is lost: delay / T of all finds, which is 1 - exp(-delay / T) to
    first order. Not beyond, since ASERT keeps the interval of the chain, not of all finds."""
    outcome = run(alike(100, check=delay), blocks=8000)

    assert outcome.orphan_rate == pytest.approx(delay / 600, abs=0.012)
    assert outcome.orphan_rate == pytest.approx(1 - math.exp(-delay / 600), abs=0.035)


def test_a_large_miner_gains_from_the_delay() -> None:
    """It has its own blocks at once; the others' share shrinks."""
    miners = Miners(np.array([500.0, *[25.0] * 20]), *(np.full(21, x) for x in (100.0, 100.0, 120.0)))

    outcome = run(miners, blocks=8000)

    assert outcome.rewards()[0] > 0.53
    assert outcome.worth(outcome.smallest_half()) < 0.94


def test_header_first_takes_the_transfer_off_the_path() -> None:
    slow, first = (run(alike(50, check=60), Network(header_first=flag), 2000) for flag in (False, True))

    assert slow.orphan_rate > 0.1
    assert first.orphan_rate < 0.03


def test_who_leaves_finds_nothing_more() -> None:
    shifts = (Shift(0, 20), Shift(500, 5))
    outcome = Simulation(RULES, Network(), alike(20), 1, shifts=shifts).run(1000)

    assert set(outcome.miner[:500]) == set(range(20))
    assert set(outcome.miner[510:]) == set(range(5))
    assert outcome.tries[0] > 2 * outcome.tries[10]


def test_an_attacker_that_keeps_to_the_rules_gets_its_share() -> None:
    outcome = Simulation(RULES, INSTANT, alike(1, check=0), 1, Attacker(0.3)).run(8000)
    assert outcome.rewards()[-1] == pytest.approx(0.3, abs=0.015)
    assert outcome.powers()[-1] == pytest.approx(0.3, abs=0.001)


def test_serving_a_hundred_miners_from_an_uplink_takes_longest() -> None:
    miners, draw = alike(100), np.random.default_rng(1)
    took = {way: miners.digest(0, Network(delivery=way), draw).max() for way in Delivery}

    assert took[Delivery.STORE] == pytest.approx(3.6 + 10)
    assert took[Delivery.UPLINK] == pytest.approx(100 * 3.6 + 10)
    assert took[Delivery.STORE] <= took[Delivery.SWARM] < 2 * took[Delivery.STORE]


def test_ten_thousand_miners_are_possible() -> None:
    outcome = run(mixed(10_000, np.random.default_rng(1)), Network(), 300)

    assert outcome.interval == pytest.approx(600, rel=0.1)
    assert outcome.powers().max() <= 0.101
