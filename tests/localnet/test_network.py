"""What `pol up` makes on the first call it finds again on later ones."""

from __future__ import annotations

import json
import socket
from contextlib import nullcontext
from pathlib import Path

import pytest

from pol_oracle.demo.bonds import stake
from pol_oracle.demo.cast import cheats
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.l1.devnet.ports import HOST, free_port
from pol_oracle.localnet.network import HONEST, alone, bonded, chosen, fitting, found_or_deployed, running_devnet
from pol_oracle.localnet.run import LocalnetConfig, explorer_of, run
from pol_oracle.protocol.errors import InputError, WrongChain
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.task_file import load_spec
from pol_oracle.watch.screen import JsonScreen

NO_TASK = Path("no-task.toml")


def nothing(_: str) -> None:
    """Nobody listens."""


def test_a_miner_and_two_verifiers_and_whoever_is_asked_for() -> None:
    assert tuple(party.name for party in chosen(())) == HONEST
    assert {party.name for party in chosen(("no-search", "lazy"))} == {*HONEST, "no-search", "lazy"}
    assert not set(cheats()) & set(HONEST)


def test_a_cheat_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(InputError, match="no cheat 'nobody'; choose from: lazy, one-ulp"):
        chosen(("nobody",))


def test_a_task_file_is_read_before_anything_is_started(tmp_path: Path, deployment: Deployment) -> None:
    """An L1 was started for one that is not there, and another task than the deployed one was silently left aside."""
    with pytest.raises(InputError, match="no task file nowhere"):
        run(LocalnetConfig(tmp_path / "home", Path("nowhere")), nullcontext(JsonScreen(lambda _: None)))
    assert not (tmp_path / "home").exists()

    assert fitting(tmp_path, None).name == "task.toml"
    devnet = fitting(tmp_path, Path("devnet"))
    spec = load_spec(devnet).model_dump(mode="json")
    deployment.model_copy(update={"spec": spec}).save(tmp_path / "deployment.json")
    assert fitting(tmp_path, devnet) == devnet
    with pytest.raises(InputError, match="has another task than resnet18: leave --task away"):
        fitting(tmp_path, Path("resnet18"))


def test_one_network_per_home(tmp_path: Path) -> None:
    with alone(tmp_path / "home"), pytest.raises(InputError, match="is up already"), alone(tmp_path / "home"):
        pass
    with alone(tmp_path / "home"):
        pass


def test_a_devnet_that_ran_before_goes_on_running(tmp_path: Path) -> None:
    mine = Devnet.start(tmp_path, free_port(), bound=True)
    try:
        with running_devnet(tmp_path, nothing) as net:
            assert net.rpc == mine.rpc
        assert mine.status().running
    finally:
        mine.stop()


def test_a_devnet_finds_another_port_when_its_own_is_taken_and_is_stopped(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "settings.json").write_text(json.dumps({"port": port}))  # what it had last time
        with running_devnet(tmp_path, nothing) as net:
            assert net.status().port != port
    assert not net.status().running


def test_a_deployment_is_found_on_another_port(tmp_path: Path, anvil: str, deployment: Deployment) -> None:
    deployment.model_copy(update={"rpc": "http://127.0.0.1:1"}).save(tmp_path / "deployment.json")

    found = found_or_deployed(tmp_path, anvil, NO_TASK, nothing)

    assert found.rpc == Deployment.load(tmp_path / "deployment.json").rpc == anvil


def test_a_lost_chain_is_told_with_what_to_do(tmp_path: Path, anvil: str, deployment: Deployment) -> None:
    deployment.model_copy(update={"genesis_id": "0x" + "00" * 32}).save(tmp_path / "deployment.json")
    with pytest.raises(WrongChain, match="pol devnet reset"):
        found_or_deployed(tmp_path, anvil, NO_TASK, nothing)


def test_a_deployment_elsewhere_is_no_local_network(tmp_path: Path, anvil: str, deployment: Deployment) -> None:
    deployment.model_copy(update={"chain_id": 1}).save(tmp_path / "deployment.json")
    with pytest.raises(InputError, match="is on chain 1, which is no devnet"):
        found_or_deployed(tmp_path, anvil, NO_TASK, nothing)


def test_only_what_is_missing_is_deposited(tmp_path: Path, client: Client) -> None:
    cast, said = chosen(()), list[str]()
    client.rpc.request("evm_setIntervalMining", 1)
    try:
        bonded(client, cast, tmp_path, said.append)
        bonded(client, cast, tmp_path, said.append)
    finally:
        client.rpc.request("evm_setIntervalMining", 0)

    assert said == ["ETH at stake for miner-1, verifier-1, verifier-2"]
    for party in cast:
        role = Role.MINER if party.part.mines else Role.VERIFIER
        assert client.bond(party.address, role).free == stake(client, party)


def test_the_explorer_runs_beside_the_agents(tmp_path: Path) -> None:
    said = list[str]()

    (command,) = explorer_of(tmp_path, said.append).values()

    assert command[command.index("--home") + 1] == str(tmp_path)
    assert f":{command[-1]}" in said[0]
    assert list(tmp_path.iterdir()) == []  # it reads them where other commands do
