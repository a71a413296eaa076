"""What the world does follows from the seed, and leaves somebody of each role in order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.soak.schedule import L1, OF_L1, OF_USERS, USER, Bounds, Fault, FaultKind, schedule

ROLES = (("miner-1", "miner-2"), ("verifier-1", "verifier-2", "verifier-3"))
BOUNDS = Bounds(ROLES, confirmations=2, jump_s=5)
SEEDS = st.integers(0, 2**32)


def at(faults: tuple[Fault, ...], second: float) -> set[str]:
    """Who is struck then."""
    return {fault.target for fault in faults if fault.at <= second < fault.until}


def test_one_seed_is_one_schedule() -> None:
    assert schedule(7, 600, BOUNDS) == schedule(7, 600, BOUNDS)
    assert schedule(7, 600, BOUNDS) != schedule(8, 600, BOUNDS)


@given(SEEDS)
def test_faults_come_in_order_and_are_over_at_the_end(seed: int) -> None:
    faults = schedule(seed, 300, BOUNDS)
    assert all(earlier.at <= later.at for earlier, later in pairwise(faults))
    assert all(fault.at > 0 and fault.until <= 300 for fault in faults)


@given(SEEDS)
def test_nobody_is_struck_twice_at_a_time_and_one_of_each_role_is_in_order(seed: int) -> None:
    faults = schedule(seed, 300, BOUNDS)
    for fault in faults:
        others = [f for f in faults if f is not fault and f.target == fault.target and f.target != USER]
        assert not any(f.at <= fault.at < f.until for f in others)
        assert all(set(role) - at(faults, fault.at) for role in ROLES)


@given(SEEDS)
def test_everything_happens_within_a_few_minutes(seed: int) -> None:
    assert {fault.kind for fault in schedule(seed, 400, BOUNDS)} == set(FaultKind)


@given(SEEDS)
def test_each_kind_strikes_whom_it_can(seed: int) -> None:
    agents = {name for role in ROLES for name in role}
    for fault in schedule(seed, 300, BOUNDS):
        expected = {L1} if fault.kind in OF_L1 else {USER} if fault.kind in OF_USERS else agents
        assert fault.target in expected


@given(SEEDS)
def test_reorgs_go_one_deeper_than_confirmations_at_most(seed: int) -> None:
    depths = {fault.amount for fault in schedule(seed, 3600, BOUNDS) if fault.kind is FaultKind.REORG}
    assert depths == {1, 2, 3}


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(FaultKind.REORG, L1, 1, 8, 3), "L1 reorganised, 3 blocks deep"),
        (Fault(FaultKind.CLOCK, L1, 1, 4, 5), "L1's clock put forward, 5 s"),
        (Fault(FaultKind.FREEZE, "miner-1", 1, 12.4), "miner-1: stopped, and let go on, 12 s"),
        (Fault(FaultKind.CHEAT, USER, 1, 1), "a cheat joins"),
    ],
)
def test_faults_are_told_in_words(fault: Fault, text: str) -> None:
    assert str(fault) == text
