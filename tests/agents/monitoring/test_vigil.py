"""An agent that waits says so: once, then ever more rarely, and when it is over; to its log and over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from pol_oracle.agents.monitoring.gauges import network_gauges
from pol_oracle.agents.monitoring.metrics import Metrics
from pol_oracle.agents.monitoring.vigil import FIRST_PAUSE_S, HEALTHY_S, Vigil
from pol_oracle.agents.monitoring.waiting import NO_BOND, QUIET_S, Wait
from pol_oracle.protocol.lifecycle import Role
from tests.agents.monitoring.test_meter import Clock
from tests.agents.scene import MINER, V1, Scene

LOCKED = Wait("bond", "bond fully locked", "deposit more")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vigil(clock: Clock) -> Vigil:
    return Vigil(structlog.get_logger("agent"), clock)


def test_a_reason_is_said_once_and_then_ever_more_rarely(vigil: Vigil, clock: Clock) -> None:
    with capture_logs() as said:
        for second in range(1000):
            clock.now = float(second)
            vigil.turned(second, [LOCKED])

    assert [entry["reason"] for entry in said] == ["bond fully locked"] * 5  # at 0, 60, 180, 420 and 900 s
    assert {entry["log_level"] for entry in said} == {"warning"}
    assert said[0]["remedy"] == "deposit more"


def test_what_passes_by_itself_is_no_warning(vigil: Vigil) -> None:
    with capture_logs() as said:
        vigil.turned(1, [Wait("replay", "a state is missing")])
    assert said[0]["log_level"] == "info" and "remedy" not in said[0]


def test_what_comes_and_goes_is_not_said_again_each_time_and_its_end_is_said(vigil: Vigil, clock: Clock) -> None:
    with capture_logs() as said:
        for second in range(50):
            clock.now = float(second)
            vigil.turned(second, [LOCKED] if second % 2 else [])
        for turn in (51, 52, 53):
            clock.now += FIRST_PAUSE_S
            vigil.turned(turn, [])
    assert [entry["event"] for entry in said] == ["waiting", "no longer waiting"]


def test_an_l1_that_stands_still_is_told(vigil: Vigil, clock: Clock) -> None:
    assert vigil.turned(7, []) == ()
    clock.now = QUIET_S + 1
    (wait,) = vigil.turned(7, [])
    assert "no block for 31 s" in wait.text
    assert not vigil.report()[0]
    assert vigil.turned(8, []) == ()
    assert vigil.report()[0]


def test_an_agent_that_does_not_turn_is_not_well(vigil: Vigil, clock: Clock) -> None:
    vigil.turned(1, [LOCKED])
    assert vigil.report() == (
        True,
        {"healthy": True, "seconds_since_turn": 0, "waiting": ["bond fully locked: deposit more"]},
    )
    clock.now = HEALTHY_S + 1
    assert not vigil.report()[0]


def asked(metrics: Metrics, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def health(metrics: Metrics) -> tuple[int, Any]:
    code, text = asked(metrics, "/healthz")
    return code, json.loads(text)


def test_health_is_served_beside_the_metrics(vigil: Vigil) -> None:
    metrics = Metrics(0, "verifier-1")
    try:
        assert health(metrics)[0] == 503  # it starts
        metrics.report = vigil.report
        vigil.turned(1, [])
        assert health(metrics) == (
            200,
            {"healthy": True, "seconds_since_turn": health(metrics)[1]["seconds_since_turn"], "waiting": []},
        )
        vigil.turned(2, [Wait(NO_BOND, "no bond", "deposit one")])
        code, facts = health(metrics)
        assert (code, facts["waiting"]) == (503, ["no bond: deposit one"])

        scene = Scene()
        scene.attest(scene.propose(), V1)
        metrics.set(network_gauges(scene.view, V1, Role.VERIFIER, 1))
        text = asked(metrics, "/metrics")[1]
    finally:
        metrics.close()
    for line in ("pol_blocks_attested", "pol_head_height", "pol_waiting"):
        assert f'{line}{{agent="verifier-1"}} 1.0' in text
    assert 'pol_bond_locked_eth{agent="verifier-1"} 0.25' in text


def test_a_miner_has_the_same_gauges() -> None:
    scene = Scene()
    scene.propose()
    gauges = network_gauges(scene.view, MINER, Role.MINER, 0)
    assert (gauges["pol_bond_free_eth"], gauges["pol_bond_locked_eth"], gauges["pol_blocks_attested"]) == (4, 1, 0)
