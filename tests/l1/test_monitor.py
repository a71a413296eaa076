"""The monitor: every event once, whatever L1 does."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pol_oracle.l1 import monitor as monitor_module
from pol_oracle.l1.client import Client
from pol_oracle.l1.monitor import Monitor, Update
from pol_oracle.protocol.errors import ChainError, NodeTrouble, Unreachable, WrongChain
from tests.l1.fake_l1 import FakeL1
from tests.l1.folded import Folded


def watch(l1: FakeL1, start: int = 1, confirmations: int = 1, chunk: int = 2000) -> Monitor:
    return Monitor(cast(Client, l1), start, confirmations, chunk=chunk)


def test_events_count_once_they_are_confirmed() -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1, confirmations=2)
    l1.mine(1, events=1)
    assert folded.take(monitor.poll()).events == ()
    l1.mine(1)
    assert folded.take(monitor.poll()).l1_block == 0
    l1.mine(1)
    update = folded.take(monitor.poll())
    assert (update.rollback_to, update.l1_block, update.timestamp) == (None, 1, 1001)
    assert folded.works == [1]
    assert folded.take(monitor.poll()) == Update(None, (), 1, 1001)


def test_a_reorg_within_the_confirmations_is_not_noticed() -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1, confirmations=3)
    l1.mine(10, events=1)
    folded.take(monitor.poll())
    l1.reorg(3, events=1, longer=1)
    assert folded.take(monitor.poll()).rollback_to is None
    assert folded.works == l1.works(8)


def test_pitfall_12_a_deeper_reorg_rolls_back_and_reads_again() -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1)
    for _ in range(10):
        l1.mine(1, events=1)
        folded.take(monitor.poll())
    l1.reorg(5, events=2)
    update = folded.take(monitor.poll())
    assert update.rollback_to == 5
    assert folded.works == l1.works(9)


def test_a_chain_that_went_backwards_rolls_back() -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1)
    for _ in range(10):
        l1.mine(1, events=1)
        folded.take(monitor.poll())
    l1.drop(4)
    update = folded.take(monitor.poll())
    assert (update.rollback_to, update.l1_block) == (6, 6)
    assert l1.verified == 1, "the contracts may be gone"
    l1.mine(5, events=1)
    folded.take(monitor.poll())
    assert folded.works == l1.works(10)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 8), st.integers(0, 40)), max_size=20))
def test_pitfall_12_no_reorg_goes_back_to_before_what_was_said_to_be_firm(moves: list[tuple[int, int]]) -> None:
    """Unless to before all events, and everything is read anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(monitor_module, "REMEMBERED", 6)
        l1, firm = FakeL1(), 0
        monitor = watch(l1, chunk=3)
        for blocks, depth in moves:
            l1.mine(blocks, events=1)
            if depth:
                l1.reorg(min(depth, len(l1.chain) - 1), events=1)
            update = monitor.poll()
            if update.rollback_to:
                assert l1.chain[update.rollback_to].block.timestamp >= firm
            elif update.rollback_to is None:
                assert update.firm >= firm
            firm = update.firm


def test_what_is_far_below_is_firm() -> None:
    l1 = FakeL1()
    monitor = watch(l1)
    l1.mine(3)
    assert monitor.poll().firm == l1.chain[1].block.timestamp
    l1.mine(3 * monitor_module.REMEMBERED, events=1)
    assert monitor.poll().firm == l1.chain[-monitor_module.REMEMBERED].block.timestamp


def test_a_reorg_of_everything_since_the_start() -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1)
    l1.mine(6, events=1)
    folded.take(monitor.poll())
    l1.reorg(6, events=1)
    assert folded.take(monitor.poll()).rollback_to == 0
    assert folded.works == l1.works(5)


def test_a_chain_shorter_than_the_deployment() -> None:
    l1 = FakeL1()
    with pytest.raises(WrongChain, match="no block 41, after which the contracts were deployed"):
        watch(l1, start=42).poll()


def test_l1_goes_away_and_comes_back() -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1)
    l1.mine(3, events=1)
    folded.take(monitor.poll())
    l1.mine(3, events=1)
    for calls in range(4):
        l1.down_after = calls
        with pytest.raises(Unreachable):
            monitor.poll()
    l1.down_after = None
    folded.take(monitor.poll())
    assert folded.works == l1.works(5)


def test_what_was_read_before_l1_went_away_is_kept() -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1, chunk=10)
    l1.mine(40, events=1)
    l1.down_after = 10
    part = folded.take(monitor.poll())
    assert 0 < part.l1_block < 39
    assert not part.whole
    with pytest.raises(Unreachable):
        monitor.poll()
    l1.down_after = None
    assert folded.take(monitor.poll()).whole
    assert folded.works == l1.works(39)


def test_fewer_blocks_per_request_where_the_endpoint_wants_it() -> None:
    l1, folded = FakeL1(longest=7), Folded()
    monitor = watch(l1, chunk=100)
    l1.mine(300, events=1)
    folded.take(monitor.poll())
    assert folded.works == l1.works(299)
    l1.longest = 0
    l1.mine(1)
    with pytest.raises(ChainError, match="too many"):
        monitor.poll()


def test_pitfall_12_node_that_lags_behind_the_others_hides_nothing() -> None:
    """Behind one address there may be several: one that has not seen a block yet finds no logs there by its number."""
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1)
    l1.mine(20, events=1)
    folded.take(monitor.poll())
    l1.mine(2, events=1)
    l1.lag = 2
    with pytest.raises(ChainError, match="unknown"):
        folded.take(monitor.poll())

    l1.lag = 0
    folded.take(monitor.poll())
    assert folded.works == l1.works(21)


def test_history_that_takes_too_long_is_read_in_smaller_parts() -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1, chunk=100)
    l1.mine(300, events=1)
    l1.slow_from = 30
    for _ in range(40):
        try:
            folded.take(monitor.poll())
        except Unreachable:
            continue
    assert folded.works == l1.works(299)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("mine"), st.integers(1, 4), st.integers(0, 2)),
        st.tuples(st.just("reorg"), st.integers(1, 8), st.integers(0, 2)),
        st.tuples(st.just("drop"), st.integers(1, 6), st.just(0)),
        st.tuples(st.just("away"), st.integers(0, 8), st.just(0)),
        st.tuples(st.just("reorg while polling"), st.integers(1, 6), st.integers(1, 7)),
        st.tuples(st.just("poll"), st.just(0), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=150)
@given(steps, st.integers(0, 3), st.integers(1, 5))
def test_nothing_is_lost_or_doubled_whatever_l1_does(
    script: list[tuple[str, int, int]], confirmations: int, chunk: int
) -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1, confirmations=confirmations, chunk=chunk)
    for what, amount, events in script:
        if what == "mine":
            l1.mine(amount, events)
        elif what == "reorg":
            l1.reorg(amount, events)
        elif what == "drop":
            l1.drop(amount)
        elif what == "away":
            poll_while_away(l1, monitor, folded, amount)
        elif what == "reorg while polling":
            after(l1, events, amount)
            with suppress(NodeTrouble):  # a block that was not there, and then there were newer ones
                folded.take(monitor.poll())
            l1.interrupt = None
        else:
            covered = folded.take(monitor.poll()).l1_block
            assert folded.works == l1.works(covered)
    covered = folded.take(monitor.poll()).l1_block
    assert covered >= l1.chain[-1].block.number - confirmations
    assert folded.works == l1.works(covered)


def poll_while_away(l1: FakeL1, monitor: Monitor, folded: Folded, calls: int) -> None:
    l1.down_after = calls
    try:
        folded.take(monitor.poll())
    except Unreachable:
        pass
    finally:
        l1.down_after = None


def after(l1: FakeL1, calls: int, depth: int) -> None:
    """Reorganises in the middle of a poll: before its call number ``calls``."""
    if calls <= 1:
        l1.interrupt = lambda: l1.reorg(depth, 1, longer=1)
    else:
        l1.interrupt = lambda: after(l1, calls - 1, depth)


def test_pitfall_26_requests_that_had_to_shrink_grow_again() -> None:
    """A limit on ranges, or on the rate of requests, left one block per request for good."""
    l1, folded = FakeL1(longest=3), Folded()
    monitor = watch(l1, chunk=100)
    l1.mine(100, events=1)
    folded.take(monitor.poll())
    assert monitor._chunk < 20
    l1.longest = 10**9
    for _ in range(100):
        l1.mine(1, events=1)
        folded.take(monitor.poll())
    assert monitor._chunk == 100
    assert folded.works == l1.works(199)


def test_pitfall_26_a_rate_limit_shrinks_nothing_for_good() -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1, chunk=64)
    l1.mine(500, events=1)
    l1.trouble = 5
    for _ in range(30):
        try:
            folded.take(monitor.poll())
        except NodeTrouble:
            continue
    assert monitor._chunk == 64
    assert folded.works == l1.works(499)


def test_what_is_read_again_is_neither_lost_nor_doubled() -> None:
    l1, folded = FakeL1(), Folded()
    monitor = watch(l1, chunk=10)
    l1.mine(40, events=1)
    folded.take(monitor.poll())
    monitor.reread()
    for calls in (3, 9, 10**9):
        l1.down_after = calls
        try:
            folded.take(monitor.poll())
        except Unreachable:
            continue
    assert folded.works == l1.works(39)
    assert folded.take(monitor.poll()).rollback_to is None, "once"
