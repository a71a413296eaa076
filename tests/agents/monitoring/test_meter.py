"""What a miner tells of its work."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pol_oracle.agents.monitoring.dashboard import Dashboard
from pol_oracle.agents.monitoring.health import moving
from pol_oracle.agents.monitoring.meter import SHARE_S, WINDOW_S, Meter
from pol_oracle.agents.monitoring.metrics import Metrics
from pol_oracle.agents.monitoring.records import Records
from pol_oracle.agents.monitoring.waiting import Wait
from pol_oracle.agents.work.follow import Follower, FollowStage
from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import LEAF_WEIGHTS
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.search import Progress
from pol_oracle.store import StateStore
from pol_oracle.view import History
from tests.task.workloads import STEPS, small_workload

ME = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


@dataclass
class Clock:
    """Seconds that pass when told."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_rates_hits_and_what_is_to_be_expected() -> None:
    clock = Clock()
    meter = Meter(test_count=200, clock=clock)
    meter.begin(3 * BIT)
    clock.now = 2.0
    meter.note(Progress(nonce=80, tries=80, passed=5, before=48, correct=50))
    read = meter.read()
    assert read.tries_per_s == 40
    assert read.hit_rate == 5 / 10
    assert read.expected_s == 8 / (40 * read.hit_rate)  # what the line prints is what it counts with
    assert (read.accuracy_before, read.accuracy_after, read.difficulty) == (0.24, 0.25, 3.0)


def test_another_block_has_another_w() -> None:
    meter = Meter(200, Clock())
    meter.begin(BIT)
    meter.note(Progress(nonce=1, tries=1, before=48, correct=50))
    meter.begin(BIT)
    assert (meter.read().accuracy_before, meter.read().accuracy_after) == (None, None)


def test_segments_count_as_time_that_trains() -> None:
    clock = Clock()
    meter = Meter(200, clock)
    for height in (4, 5):
        for step in range(1, 5):
            clock.now += 0.5
            meter.segment(FollowStage(height, 5, step, 8))
        clock.now += 10  # the search
    read = meter.read()
    assert (read.height, read.segment_step, read.segment_steps) == (5, 4, 8)
    assert read.training_share == 3 / 24
    assert "step 4 of 8 after block 5" in read.line()

    meter.segment(FollowStage(5, 5, 8, 8))
    assert "step" not in meter.read().line()


def test_what_trained_long_ago_does_not_count_as_time_that_trains() -> None:
    clock = Clock()
    meter = Meter(200, clock)
    for step in range(1, 101):
        clock.now += 1
        meter.segment(FollowStage(0, 0, step, 100))
        meter.read()
    assert meter.read().training_share == 0.99  # what came before its first step was none

    for _ in range(int(SHARE_S) + 1):
        clock.now += 1
        meter.read()
    assert meter.read().training_share == 0


def test_searches_add_up() -> None:
    """Counts of a new search begin at zero; those of the meter go on, each try weighed by its own difficulty."""
    clock = Clock()
    meter = Meter(200, clock)
    for difficulty, tries in ((2 * BIT, 8), (4 * BIT, 16)):
        meter.begin(difficulty)
        clock.now += 1
        meter.note(Progress(nonce=tries // 2, tries=tries // 2, passed=1))
        meter.note(Progress(nonce=tries, tries=tries, passed=3))
    assert meter.read().tries == 24
    assert meter.read().hit_rate == 6 / (8 / 4 + 16 / 16)


def test_the_follower_tells_of_each_step_of_a_segment(tmp_path: Path) -> None:
    told: list[FollowStage] = []
    follower = Follower(small_workload(), bytes(32), StateStore([tmp_path]), told.append)
    for _ in range(2):  # it is remembered
        follower.segment(bytes(32), (), lambda: False)
    assert told == [FollowStage(0, 0, step, STEPS) for step in range(1, STEPS + 1)]


def test_what_is_long_past_does_not_count() -> None:
    clock = Clock()
    meter = Meter(200, clock)
    meter.begin(BIT)
    meter.note(Progress(nonce=10_000, tries=10_000))
    clock.now = WINDOW_S + 1
    meter.note(Progress(nonce=10_010, tries=10_010))
    clock.now += 10
    assert meter.read().tries_per_s == pytest.approx(10 / (WINDOW_S + 1))

    clock.now += 2 * WINDOW_S
    assert meter.read().tries_per_s == 0
    assert meter.read().expected_s is None


def test_time_without_a_search_does_not_count() -> None:
    """A segment, a replay that goes first, a bond that is not free: the rate is that of the search."""
    clock = Clock()
    meter = Meter(200, clock)
    for _ in range(3):
        meter.begin(BIT)
        clock.now += 2
        meter.note(Progress(nonce=80, tries=80))
        clock.now += 7
        assert meter.read().tries_per_s == 40


def test_rounds_may_be_longer_than_what_is_looked_at() -> None:
    clock = Clock()
    meter = Meter(200, clock)
    meter.begin(BIT)
    for number in range(1, 4):
        clock.now = 2 * number * WINDOW_S
        meter.note(Progress(nonce=600 * number, tries=600 * number))
        assert meter.read().tries_per_s == pytest.approx(300 / WINDOW_S)


def test_before_the_first_try_nothing_is_claimed() -> None:
    read = Meter(200, Clock()).read()
    assert (read.expected_s, read.hit_rate, read.accuracy_before, read.accuracy_after) == (None, None, None, None)
    assert (read.height, read.segment_step, read.segment_steps, read.training_share) == (None, 0, 0, 0)
    assert "tries/s" in read.line()


def test_the_line_says_it_all() -> None:
    clock = Clock()
    meter = Meter(200, clock)
    meter.begin(5 * BIT + BIT // 2)
    clock.now = 1.0
    meter.note(Progress(nonce=320, tries=320, passed=9, before=149, correct=150))
    line = meter.read().line()
    for part in ("320 tries/s", "at 5.50 bits", "hits 0.90 x 2^-b", "accuracy 74.50 -> 75.00 %", "training 0 %"):
        assert part in line


def test_hit_rate_is_that_of_the_last_ten_minutes() -> None:
    clock = Clock()
    meter = Meter(200, clock)
    meter.begin(4 * BIT)
    for minute in range(1, 61):  # well for forty minutes, then none of the weights moves
        clock.now = 60.0 * minute
        meter.note(Progress(nonce=0, tries=1600 * minute, passed=100 * min(minute, 40)))
        if minute == 40:
            assert meter.read().hit_rate == 1
            assert meter.read().warnings == ()
    read = meter.read()
    assert read.hit_rate == 0
    assert "tries hit 0.00 times as often" in read.warnings[0]
    assert "pol deploy --from-state" in read.warnings[0]


def test_few_tries_are_no_reason_to_warn() -> None:
    meter = Meter(200, Clock())
    meter.begin(4 * BIT)
    meter.note(Progress(nonce=0, tries=160, passed=0))
    assert (meter.read().hit_rate, meter.read().warnings) == (0, ())


def test_weights_that_stand_still_are_told_and_warned_of() -> None:
    clock = Clock()
    meter = Meter(200, clock)
    assert meter.read().moving_weights is None
    meter.moved(0.98)
    assert (meter.read().moving_weights, meter.read().warnings) == (0.98, ())
    clock.now = 700.0
    meter.moved(0.27)
    read = meter.read()
    assert read.moving_weights == 0.27
    assert "27 % of the weights move" in read.line()
    assert "only 27 % of the eligible weights still move" in read.warnings[0]
    assert "lower learning_rate" in read.warnings[0]
    clock.now = 5000.0  # the last one counts until there is another
    assert meter.read().moving_weights == 0.27


def test_share_of_moving_weights_is_of_eligible_ones() -> None:
    workload = small_workload()
    before = workload.initial
    nothing = State(workload.model, before.flat.copy())
    assert moving(workload, before, nothing) == 0
    assert moving(workload, before, State(workload.model, before.flat + np.float32(1))) == 1

    tensor, place = workload.eligible.locate(workload.eligible.count - 1)
    changed = before.flat.copy()
    start = sum(t.size for t in before.tensors[:tensor])
    changed[start + LEAF_WEIGHTS * place : start + LEAF_WEIGHTS * place + 32] += 1  # half of one leaf
    changed[-1] += 1  # of the last layer, which is not eligible
    share = 0.5 / workload.eligible.count
    assert moving(workload, before, State(workload.model, changed)) == pytest.approx(share)


def test_metrics_are_served_on_loopback_and_say_what_the_meter_says(tmp_path: Path) -> None:
    clock = Clock()
    meter, metrics = Meter(200, clock), Metrics(0, "miner-1")
    meter.begin(2 * BIT)
    clock.now = 4.0
    meter.note(Progress(nonce=400, tries=400, passed=100, before=99, correct=100))
    meter.segment(FollowStage(7, 7, 64, 256))
    meter.moved(0.5)
    shown: list[str] = []
    history = History(bytes(32))
    records = Records(tmp_path / "miner.json", "miner-1", Role.MINER, ME)
    dashboard = Dashboard(meter, ME, records, shown.append, metrics)
    dashboard.turn(history.view, [Wait("bond", "bond fully locked")])

    with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    assert 'pol_tries_per_second{agent="miner-1"} 100.0' in text
    assert 'pol_accuracy_after_ratio{agent="miner-1"} 0.5' in text
    assert 'pol_segment_step{agent="miner-1"} 64.0' in text
    assert 'pol_hit_rate_ratio{agent="miner-1"} 1.0' in text
    assert 'pol_moving_weights_ratio{agent="miner-1"} 0.5' in text
    assert 'pol_network_warnings{agent="miner-1"} 1.0' in text
    assert "not well" in shown[0]
    assert "100 tries/s" in shown[0]
    assert "waiting: bond fully locked · " in shown[0]
    assert "0 LEARN" in shown[0]
    records.write(history)
    assert json.loads((tmp_path / "miner.json").read_text())["mining"]["tries"] == 400
    metrics.close()


def test_a_taken_port_is_said_to_be() -> None:
    first = Metrics(0, "a")
    with pytest.raises(InputError, match=f"port {first.port}"):
        Metrics(first.port, "b")
    first.close()
