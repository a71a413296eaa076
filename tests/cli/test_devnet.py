"""What makes a devnet convenient: beginning anew, ETH from nothing, ports that change, deployments replaced."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pol_oracle.fixtures.l1 import L1
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.l1.devnet.ports import HOST, free_port
from pol_oracle.localnet.reset import set_aside
from tests.cli.conftest import Pol

STRANGER = "0x" + "ab" * 20


@pytest.fixture
def remembered(home: Path) -> Path:
    """A home folder in which a network has been."""
    for name in ("agents/dev-1-kept", "keys", "bonds", "data"):
        (home / name).mkdir(parents=True)
    for name in ("agents/dev-1.sqlite", "agents/dev-1-miner-memory.sqlite", "keys/alice.json", "data/digits.npz"):
        (home / name).write_text("something")
    return home


def test_reset_clears_chain_and_memory_and_never_keys(pol: Pol, remembered: Path, deployed: Deployment) -> None:
    Devnet.start(remembered / "devnet", free_port(), bound=True).stop()
    assert (remembered / "devnet" / "state.json").exists()

    said = pol("devnet", "reset", "--yes", "--json").json

    assert {"state.json", "deployment.json", "agents", "bonds"} <= set(said["removed"])
    assert not said["running"]
    assert sorted(path.name for path in remembered.iterdir()) == ["data", "devnet", "keys", "up.lock"]
    assert (remembered / "keys" / "alice.json").exists()


def test_a_devnet_that_ran_runs_anew_with_its_options(pol: Pol, home: Path) -> None:
    net = Devnet.start(home / "devnet", free_port(), None)
    try:
        Client.connect(net.rpc).rpc.request("anvil_mine", hex(5))
        port = net.status().port
        assert pol("devnet", "reset", "--yes", "--json").json["running"]
        assert (net.status().block, net.status().port) == (0, port)
    finally:
        net.stop()


def test_a_folder_without_a_network_is_left_alone(pol: Pol, home: Path) -> None:
    for name in ("agents", "output", "states"):
        (home / name).mkdir(parents=True)
    (home / "agents" / "mine.txt").write_text("mine")
    assert "there is no network in" in pol("devnet", "reset", "--yes").sentence
    assert (home / "agents" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("seconds", ["1e-30", "0.001"])
def test_l1_blocks_without_end_are_refused(pol: Pol, seconds: str) -> None:
    assert "are too many: 0.01 s at least, or 0" in pol("devnet", "up", "--block-time", seconds).sentence


def test_reset_asks_first(pol: Pol, remembered: Path) -> None:
    assert pol("devnet", "reset").code == 1  # nobody answers
    assert (remembered / "agents" / "dev-1.sqlite").exists()


def test_memory_of_a_real_chain_is_not_removed(pol: Pol, remembered: Path, deployed: Deployment) -> None:
    deployed.model_copy(update={"chain_id": 1}).save(remembered / "deployment.json")
    assert "worth money: nothing is removed" in pol("devnet", "reset", "--yes").sentence
    assert (remembered / "agents" / "dev-1.sqlite").exists()


def test_running_agents_keep_their_memory(pol: Pol, remembered: Path, deployed: Deployment) -> None:
    facts = {"name": "dev-1", "role": "miner", "address": STRANGER, "pid": os.getpid(), "running": True}
    (remembered / "agents" / "dev-1.json").write_text(json.dumps(facts))
    assert "dev-1 still run: stop them first" in pol("devnet", "reset", "--yes").sentence
    assert set_aside(remembered / "agents") is None


def test_a_devnet_gives_eth_away(pol: Pol, client: Client, deployed: Deployment) -> None:
    rpc = ("--rpc", client.rpc.url)
    assert pol(*rpc, "devnet", "fund", STRANGER, "2.5", "--json").json["wallet"] == str(25 * 10**17)
    assert pol(*rpc, "devnet", "fund", STRANGER, "--json").json["wallet"] == str(1025 * 10**17)
    assert client.balance(STRANGER) == 102_500_000_000_000_000_000
    assert "is no address" in pol(*rpc, "devnet", "fund", "alice").sentence


def test_a_deployment_follows_its_devnet_to_another_port(pol: Pol, home: Path, deployed: Deployment) -> None:
    old, new = free_port(), free_port()
    (home / "devnet").mkdir()
    (home / "devnet" / "settings.json").write_text(json.dumps({"port": old}))
    deployed.model_copy(update={"rpc": f"http://{HOST}:{old}"}).save(home / "deployment.json")
    try:
        assert pol("devnet", "up", "--port", new).code == 0
        assert Deployment.load(home / "deployment.json").rpc == f"http://{HOST}:{new}"
    finally:
        pol("devnet", "down")


def test_stale_memory_is_set_aside_and_nothing_is_lost(remembered: Path) -> None:
    agents = remembered / "agents"

    aside = set_aside(agents)

    assert aside is not None and aside.parent == agents
    assert sorted(path.name for path in aside.iterdir()) == ["dev-1-kept", "dev-1-miner-memory.sqlite"]
    assert (agents / "dev-1.sqlite").exists()  # a journal keeps deployments apart itself
    assert set_aside(agents) is None


def test_top_names_who_takes_part_and_says_what_is_waited_for(pol: Pol, l1: L1) -> None:
    l1.bond()
    block, _ = l1.propose(l1.header(l1.client.finalized_tip(), 1))

    shown = pol("top", "--json").json
    assert {row["name"] for row in shown["parties"]} == {"dev-1", "dev-2", "dev-3"}
    assert shown["blocks"][0]["block"] == block.hex()[:8]
    assert shown["blocks"][0]["waits"].startswith("0 of 2 attestations, window ends in")
    text = pol("top").out
    assert "dev-1" in text and "0 of 2 attestations" in text
