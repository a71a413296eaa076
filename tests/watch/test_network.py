"""The table of a network: who takes part, what each does or waits for, and how it fits a terminal."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pol_oracle.advice import given
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.watch.agents import AgentStatus, read_agents
from pol_oracle.watch.network import NetworkState
from pol_oracle.watch.screen import print_once, tables
from pol_oracle.watch.snapshot import PartyRow
from tests.agents.scene import MINER, PARAMETERS, V1, V2, V3, Scene

MINING = {"segment_step": 8, "segment_steps": 8, "expected_s": 12.5, "tries_per_s": 1640.0}


def agent(name: str, role: Role, address: str, alive: bool = True, **facts: Any) -> AgentStatus:
    return AgentStatus(name, role, address, alive, not alive, facts)


def network(scene: Scene, *agents: AgentStatus, ended: Mapping[str, str] | None = None) -> NetworkState:
    return NetworkState(
        view=scene.view,
        events=scene.history.events,
        parameters=PARAMETERS,
        test_count=200,
        now=scene.now + 5,
        agents=agents,
        ended=ended or {},
    )


def rows(shown: NetworkState) -> dict[str, PartyRow]:
    return {row.name: row for row in shown.snapshot().parties}


def test_own_agents_come_first_and_say_what_they_do() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1)
    shown = network(
        scene,
        agent("alice", Role.MINER, MINER, mining=MINING),
        agent("bob", Role.VERIFIER, V1, replaying=block.hex(), to_replay=2),
    )

    found = rows(shown)
    assert list(found)[:2] == ["alice", "bob"]
    assert found["alice"].now == "searching: a hit every 12.5 s at 1,640 tries/s"
    assert found["alice"].story == "1 proposed, 0 final"
    assert found["bob"].now == "replaying block 1, 2 more to replay"
    assert found["bob"].story == "1 attested"
    assert found["0x1414…1414"].now == "has not attested yet"
    assert shown.snapshot().blocks[0].waits.startswith("1 of 2 attestations")


@pytest.mark.parametrize(
    ("mining", "words"),
    [
        (MINING | {"segment_step": 3}, "training, step 3 of 8"),
        (MINING | {"expected_s": None}, "waiting for its search to begin"),
    ],
)
def test_a_miner_tells_what_it_is_at(mining: dict[str, Any], words: str) -> None:
    assert rows(network(Scene(), agent("alice", Role.MINER, MINER, mining=mining)))["alice"].now == words


def test_agents_that_are_gone_are_an_alarm() -> None:
    killed = AgentStatus("bob", Role.VERIFIER, V1, alive=False, stopped=False, facts={})
    stopped = agent("carol", Role.VERIFIER, V2, alive=False)
    found = rows(network(Scene(), killed, stopped, agent("dave", Role.VERIFIER, V3), ended={"dave": "pol: no bond"}))

    assert found["bob"].now == "its process was killed; start it again"
    assert found["carol"].now == "stopped"
    assert found["dave"].now == "its process ended: pol: no bond"
    assert [found[name].alarm for name in ("bob", "carol", "dave")] == [True, False, True]  # who stops means it


def test_too_few_verifiers_are_an_alarm_of_all() -> None:
    (alarm,) = network(Scene(verifiers=(V1,))).snapshot().alarms
    assert "`pol verifier run --account NAME`" in alarm


def test_commands_stay_whole_where_lines_are_broken() -> None:
    output = io.StringIO()
    long = f"`pol --home /{'long/' * 12}home keys new`"
    with given({"--home": f"/{'long/' * 12}home"}):
        shown = network(Scene(verifiers=(V1,)), agent("bob", Role.VERIFIER, V1), ended={"bob": f"no key; {long} makes"})
        print_once(Console(file=output, width=60), replace(shown, trouble="L1 away").snapshot())

    trouble, few, bob, *table = output.getvalue().splitlines()
    assert trouble == "L1 away"
    assert f"`pol --home /{'long/' * 12}home verifier run --account NAME`" in few
    assert bob == f"bob: its process ended: no key; {long} makes"
    assert max(map(len, table)) <= 60
    assert any("…" in line for line in table) and not any("`" in line for line in table)


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_table_fits_the_terminal_and_keeps_what_matters(width: int) -> None:
    scene = Scene()
    scene.propose()
    output = io.StringIO()
    console = Console(file=output, width=width, height=60)
    console.print(*tables(network(scene, agent("alice", Role.MINER, MINER, mining=MINING)).snapshot(), width))

    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any("alice" in line and "searching" in line for line in lines)
    assert "pending" in output.getvalue()


def test_status_files_are_read_and_others_are_not(tmp_path: Path) -> None:
    facts = {"name": "bob", "role": "verifier", "address": V1, "pid": os.getpid(), "running": True}
    (tmp_path / "bob.json").write_text(json.dumps(facts))
    (tmp_path / "older.json").write_text(json.dumps(facts | {"name": "older", "pid": 0, "address": V2}))
    (tmp_path / "other.json").write_text("[1]")
    (tmp_path / "torn.json").write_text("{")

    found = {status.name: status for status in read_agents(tmp_path)}
    assert found["bob"].alive and found["bob"].role is Role.VERIFIER
    assert not found["older"].alive and not found["older"].stopped
    assert set(found) == {"bob", "older"}
    assert read_agents(tmp_path / "nothing") == ()
