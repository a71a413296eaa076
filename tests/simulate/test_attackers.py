"""Attackers against theory and against the rules that should stop them."""

from __future__ import annotations

import math

import pytest

from pol_oracle.simulate.attackers import Attacker, Withholder
from pol_oracle.simulate.chain import ChainRules
from pol_oracle.simulate.engine import Simulation
from pol_oracle.simulate.network import Network, alike
from pol_oracle.simulate.outcome import Outcome
from pol_oracle.simulate.scenarios.games import IDEAL

FIXED = ChainRules(target_interval=0)
INSTANT = Network(slot=1, confirmations=0, segment=0)


def revenue(share: float, gamma: float) -> float:
    """Eyal and Sirer, "Majority is not enough" (2014), equation 8."""
    a = share
    return (a * (1 - a) ** 2 * (4 * a + gamma * (1 - 2 * a)) - a**3) / (1 - a * (1 + (2 - a) * a))


def attacked(attacker: Attacker, rules: ChainRules = FIXED, network: Network = INSTANT, blocks: int = 8000) -> Outcome:
    return Simulation(rules, network, alike(1, check=0), 1, attacker).run(blocks)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.4])
def test_selfish_mining_pays_what_is_known(share: float, gamma: float) -> None:
    outcome = attacked(Withholder(share, front_running=gamma))
    assert outcome.rewards()[-1] == pytest.approx(revenue(share, gamma), abs=0.03)


def test_selfish_mining_loses_below_a_third_and_wins_above() -> None:
    below, above = (attacked(Withholder(share), ChainRules(), IDEAL).attackers_worth for share in (0.2, 0.42))
    assert below < 0.85
    assert above > 1.1


def test_with_front_running_it_wins_at_any_share() -> None:
    assert attacked(Withholder(0.2, front_running=1.0), blocks=16_000).attackers_worth > 1.05


def test_no_delay_is_honest_mining() -> None:
    outcome = attacked(Withholder(0.3, delays=(0.0,)))
    assert outcome.rewards()[-1] == pytest.approx(0.3, abs=0.015)
    assert outcome.orphan_rate < 0.005


@pytest.mark.parametrize("delay", [120, 600])
def test_being_late_loses(delay: int) -> None:
    assert attacked(Withholder(0.2, delays=(delay,)), ChainRules(), IDEAL).attackers_worth < 1.0


def test_a_burst_is_published_in_one_l1_block() -> None:
    outcome = attacked(Withholder(0.45, delays=(math.inf,), burst=2), ChainRules(), IDEAL, 1000)
    mine = outcome.miner == 1
    pairs = mine[1:] & mine[:-1] & (outcome.intervals[1:] == 0)
    assert pairs.sum() > 50


def test_an_attacker_trains_after_every_block_as_others_do() -> None:
    outcome = attacked(Attacker(0.3), ChainRules(), Network(slot=1, confirmations=0, segment=200))
    assert outcome.rewards()[-1] == pytest.approx(0.3, abs=0.02)
    assert outcome.attackers_worth == pytest.approx(1.0, abs=0.06)
