"""The bars, on smaller runs than `pol simulate` makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from pol_oracle.simulate.chain import ChainRules
from pol_oracle.simulate.engine import PowerChange
from pol_oracle.simulate.network import Network
from pol_oracle.simulate.scenarios.catalogue import BLOCKS_TO_RECOVER, GAIN, ORPHANS_AFTER_OUTAGE
from pol_oracle.simulate.scenarios.games import ENDLESS, Game, search
from pol_oracle.simulate.scenarios.jumps import BEFORE, DOWN, OUTAGE, UP, Unbounded, jump, recovered


@pytest.mark.parametrize("shifts", [UP, DOWN], ids=["up", "down"])
def test_the_interval_is_back_soon_after_a_tenfold_jump(shifts: Sequence[PowerChange]) -> None:
    seen = jump(shifts, ChainRules(), Network(), chains=150, seed=1)

    assert 5 < seen.blocks <= BLOCKS_TO_RECOVER


def test_one_long_interval_makes_no_storm() -> None:
    bounded = jump(OUTAGE, ChainRules(), Network(), chains=5, seed=1)
    unbounded = jump(OUTAGE, Unbounded(), Network(), chains=1, seed=1)  # a storm takes long

    assert bounded.intervals[BEFORE : BEFORE + 1].mean() > 10 * ChainRules().target_interval  # the outage
    assert bounded.orphans[BEFORE + 1 :].mean() < ORPHANS_AFTER_OUTAGE
    assert unbounded.orphans[BEFORE + 1 :].mean() > 10 * ORPHANS_AFTER_OUTAGE


def test_recovery_is_counted_from_the_last_block_out_of_bounds() -> None:
    assert recovered(np.array([600.0] * 20), 600) == 0
    assert recovered(np.array([60.0] * 10 + [600.0] * 20), 600) == 11  # the window is two blocks to either side


def test_no_delays_gain_more_than_the_bar() -> None:
    found = search(1 / 3, 0.0, ChainRules(), blocks=2500, seed=1, tries=4)

    assert found.gain <= GAIN


@pytest.mark.parametrize("share", [0.2, 1 / 3])
def test_retargeting_adds_nothing_to_withholding_that_pays(share: float) -> None:
    """With front-running, selfish mining pays by itself; what is asked is what late timestamps add to it."""
    game = Game(share, 1.0, ENDLESS)
    fixed, retargeted = (
        np.mean([game.worth(rules, 6000, seed) for seed in range(3)])
        for rules in (replace(ChainRules(), target_interval=0), ChainRules())
    )

    assert fixed > 1.05
    assert retargeted / fixed - 1 <= GAIN
