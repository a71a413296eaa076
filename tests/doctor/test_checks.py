"""Each check finds what is wrong, and says what to do about it."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pol_oracle.agents.rules.policy import Policy
from pol_oracle.doctor import l1 as checks
from pol_oracle.doctor import machine, network
from pol_oracle.doctor.findings import Finding, Grade
from pol_oracle.doctor.run import examine
from pol_oracle.fixtures.l1 import L1, MINER, VERIFIERS
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.node.rpc import Refusal
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.task import Task
from pol_oracle.watch.agents import AgentStatus
from tests.agents.scene import MINER as DRAWN_MINER
from tests.agents.scene import V1, Scene

Usage = namedtuple("Usage", "total used free")


def agent(name: str, role: Role, address: str, **facts: Any) -> AgentStatus:
    return AgentStatus(name, role, address, alive=True, stopped=False, facts=facts)


def grades(findings: list[Finding]) -> dict[str, Grade]:
    return {finding.name: finding.grade for finding in findings}


def test_a_machine_that_is_set_up_is_well(tmp_path: Path) -> None:
    found = [machine.anvil(), machine.contracts(), machine.solc(), machine.arithmetic()]
    assert {finding.grade for finding in found} == {Grade.GOOD}


def test_no_anvil_is_told_with_where_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("pol_oracle.l1.devnet.anvil.CHECKOUT", tmp_path)
    monkeypatch.chdir(tmp_path)

    found = machine.anvil()
    assert found.grade is Grade.WARNING and "getfoundry.sh" in found.remedy


@pytest.mark.parametrize(("free", "grade"), [(100 << 30, Grade.GOOD), (2 << 30, Grade.WARNING), (1 << 20, Grade.BAD)])
def test_a_full_disk_is_noticed(free: int, grade: Grade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, free))
    assert machine.disk(tmp_path / "not there yet").grade is grade


def test_an_l1_that_does_not_answer_ends_the_examination() -> None:
    found = list(examine(Path(), "http://127.0.0.1:1", None))
    assert found[-1].name == "RPC" and found[-1].grade is Grade.BAD
    assert "`pol devnet up`" in found[-1].remedy


def test_another_chain_is_noticed(anvil: str, deployment: Deployment) -> None:
    found, client = checks.connection(anvil, deployment.model_copy(update={"chain_id": 7}))
    assert grades(found) == {"RPC": Grade.GOOD, "chain id": Grade.BAD}
    assert client is None


def test_a_devnet_is_well(client: Client, deployment: Deployment) -> None:
    latest = client.latest()
    found, same = checks.connection(client.rpc.url, deployment)
    assert same is not None
    found += [checks.hardfork(client), checks.clock(latest, latest.timestamp)]
    assert {finding.grade for finding in found} == {Grade.GOOD}


def test_an_old_hardfork_is_noticed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.rpc, "ask", lambda *_: Refusal(-32000, "NotActivated"))
    found = checks.hardfork(client)
    assert found.grade is Grade.BAD and "Osaka" in found.remedy


def test_an_l1_without_blocks_or_too_slow_is_noticed(
    client: Client, deployment: Deployment, mine: Callable[..., None]
) -> None:
    mine(30)
    newest = client.latest()
    quiet = checks.pace(client, deployment, newest.timestamp + 100_000)
    assert quiet.grade is Grade.WARNING and "--block-time" in quiet.remedy

    hasty = deployment.model_copy(update={"parameters": replace(deployment.parameters, challenge_window=1)})
    for _ in range(20):
        mine(1, seconds=5)
    slow = checks.pace(client, hasty, client.latest().timestamp)
    assert slow.grade is Grade.WARNING and "challenge_window" in slow.remedy


def test_a_clock_that_is_behind_l1_is_noticed(client: Client) -> None:
    latest = client.latest()
    assert checks.clock(latest, latest.timestamp - 3600).grade is Grade.WARNING


def test_bonds_are_held_against_the_dearest_duty(deployment: Deployment) -> None:
    scene = Scene()
    agents = [agent("m", Role.MINER, DRAWN_MINER), agent("v", Role.VERIFIER, V1), agent("poor", Role.VERIFIER, "0x0")]

    found = network.bonds(scene.view, deployment, agents)

    assert [finding.grade for finding in found] == [Grade.GOOD, Grade.GOOD, Grade.BAD]
    assert f"{Policy().needed(deployment.parameters) / 10**18:g}" in found[2].text
    assert "--role verifier" in found[2].remedy
    stopped = replace(agents[2], alive=False, stopped=True)  # a cheat that was slashed, and will not come back
    assert network.bonds(scene.view, deployment, [stopped])[0].grade is Grade.WARNING


def test_a_missing_quorum_is_noticed(deployment: Deployment) -> None:
    assert network.quorum(Scene().view, deployment).grade is Grade.GOOD
    assert network.quorum(Scene(verifiers=(V1,)).view, deployment).grade is Grade.BAD


def test_who_cannot_pay_for_a_proof_is_noticed(client: Client) -> None:
    rich = agent("rich", Role.MINER, str(dev_account(MINER).address))
    poor = agent("poor", Role.MINER, "0x" + "77" * 20)

    found = network.gas_money(client, [rich, poor], 10**9)

    assert [finding.grade for finding in found] == [Grade.GOOD, Grade.BAD]


def test_stores_that_are_empty_or_no_stores_are_noticed(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / f"{'ab' * 32}.f32").write_bytes(b"a state")
    places = [str(tmp_path), str(tmp_path / "empty"), "no-such-scheme://x"]

    found = network.stores(deployment.model_copy(update={"store": places}))

    assert [finding.grade for finding in found] == [Grade.GOOD, Grade.WARNING, Grade.BAD]


@pytest.mark.parametrize(
    ("mining", "moving", "hits"),
    [
        ({"moving_weights": 1.0, "hit_rate": 1.1}, Grade.GOOD, Grade.GOOD),
        ({"moving_weights": 0.4, "hit_rate": 9.0}, Grade.WARNING, Grade.WARNING),
        ({"moving_weights": None, "hit_rate": None}, Grade.SKIPPED, Grade.SKIPPED),
    ],
)
def test_a_dying_network_is_noticed(mining: dict[str, float | None], moving: Grade, hits: Grade) -> None:
    found = network.health([agent("m", Role.MINER, V1, mining=mining)])
    assert grades(found) == {"weights that move": moving, "hit rate": hits}


def test_all_of_it_on_a_living_network(
    tmp_path: Path, client: Client, deployment: Deployment, task: Task, mine: Callable[..., None]
) -> None:
    L1(client, task).bond()
    mine(deployment.confirmations)
    found = {finding.name: finding for finding in examine(tmp_path, client.rpc.url, deployment)}

    assert not [finding for finding in found.values() if finding.grade is Grade.BAD]
    assert found["quorum"].text == f"{len(VERIFIERS)} verifiers are bonded, {deployment.parameters.quorum} must attest"
    assert found["bonds"].grade is Grade.SKIPPED
    assert all(finding.remedy for finding in found.values() if finding.grade is Grade.WARNING)
