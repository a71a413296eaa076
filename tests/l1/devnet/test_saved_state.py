"""What a devnet keeps in its folder: a later start goes on from it, whatever ended the one before."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from pol_oracle.l1.client import Client
from pol_oracle.l1.deploy import deploy, verify
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.devnet.anvil import OLD_STATES, Devnet, DevnetSettings
from pol_oracle.protocol.errors import ChainError, InputError
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.task import Task
from tests.l1.devnet.devnets import kill, start, wait_until

LAST = 1  # block that a devnet makes when it is stopped


def test_state_survives_a_restart(folder: Path) -> None:
    net = start(folder)
    Client.connect(net.rpc).rpc.request("anvil_mine", "0x7")
    before = Client.connect(net.rpc).latest()
    net.stop()
    again = start(folder)
    assert Client.connect(again.rpc).block(before.number) == before


@pytest.mark.parametrize("delay_ms", [2, 4, 6, 8])
def test_no_block_is_lost_that_is_in_the_making_at_a_stop(folder: Path, delay_ms: int) -> None:
    """Without care for it Anvil saves what a block did, and not the block: its logs are gone for good."""
    sender = dev_account(1).address
    net = start(folder, save_interval_s=3600)
    rpc = Client.connect(net.rpc).rpc
    rpc.request("evm_setAutomine", False)
    for _ in range(1000):  # so that the block takes as long as all the delays
        rpc.request("eth_sendTransaction", {"from": sender, "to": sender})
    with ThreadPoolExecutor(1) as pool:
        pool.submit(rpc.ask, "evm_mine").add_done_callback(Future.exception)  # it may be cut off
        time.sleep(delay_ms / 1000)
        net.stop()

    client = Client.connect(start(folder).rpc)
    blocks = [client.rpc.request("eth_getBlockByNumber", hex(n), False) for n in range(client.latest().number + 1)]
    assert client.nonce(sender) == sum(len(block["transactions"]) for block in blocks)


def test_state_survives_sigkill(folder: Path) -> None:
    net = start(folder)
    rpc = Client.connect(net.rpc).rpc
    state = folder / "state.json"
    rpc.request("anvil_setBalance", dev_account(3).address, hex(12345))
    rpc.request("anvil_mine", "0x3")
    wait_until(lambda: state.exists() and "0x3039" in state.read_text())
    kill(net)
    assert not net.status().running
    again = start(folder)
    assert Client.connect(again.rpc).balance(dev_account(3).address) == 12345
    assert again.status().block == 3


def test_a_half_written_state_gives_way_to_the_last_whole_one(folder: Path) -> None:
    net = start(folder)
    Client.connect(net.rpc).rpc.request("anvil_mine", "0x5")
    net.stop()
    net = start(folder, save_interval_s=3600)
    kill(net)
    state = folder / "state.json"
    state.write_text(state.read_text()[:1000])
    again = start(folder)
    assert again.status().block == 5 + LAST
    assert "state.broken" in again.warning


@pytest.mark.parametrize("copy", [None, "{"])
def test_a_damaged_state_without_a_good_copy_is_kept_and_the_next_start_is_empty(
    folder: Path, copy: str | None
) -> None:
    folder.mkdir(parents=True)
    (folder / "state.json").write_text("{")
    if copy is not None:
        (folder / "state.last.json").write_text(copy)
    with pytest.raises(InputError, match=r"kept as .*state\.broken; `pol devnet up` again starts an empty chain"):
        start(folder)
    assert (folder / "state.broken").read_text() == "{"
    assert start(folder).status().block == 0


@pytest.mark.parametrize("content", ["{}", "null", '{"block": 1}'])
def test_json_that_is_no_state_does_not_cost_the_good_copy(folder: Path, content: str) -> None:
    net = start(folder)
    Client.connect(net.rpc).rpc.request("anvil_mine", "0x5")
    net.stop()
    start(folder).stop()  # loads it
    for _ in range(2):
        (folder / "state.json").write_text(content)
        net = start(folder)
        assert net.status().block == 5 + LAST
        assert "state.broken" in net.warning
        kill(net)
    assert (folder / "state.broken").read_text() == content


def test_state_that_nobody_loaded_yet_replaces_no_good_copy(folder: Path) -> None:
    net = start(folder)
    Client.connect(net.rpc).rpc.request("anvil_mine", "0x5")
    net.stop()
    net = start(folder)
    good = (folder / "state.last.json").read_bytes()
    net.stop()
    assert (folder / "state.last.json").read_bytes() == good


def test_start_that_fails_for_another_reason_leaves_the_saved_chain_alone(folder: Path) -> None:
    net = start(folder)
    Client.connect(net.rpc).rpc.request("anvil_mine", "0x5")
    net.stop()
    start(folder).stop()
    net = start(folder)
    Client.connect(net.rpc).rpc.request("anvil_mine", "0x2")
    net.stop()
    with pytest.raises(ChainError, match="did not start"):
        start(folder, accounts=-1)
    assert start(folder).status().block == 5 + LAST + LAST + 2 + LAST


def test_what_a_devnet_keeps_on_disk_is_bounded(folder: Path) -> None:
    net = start(folder, save_interval_s=3600)
    Client.connect(net.rpc).rpc.request("anvil_mine", hex(1500))
    states = list((folder / "cache").rglob("*.json"))
    assert 0 < len(states) <= OLD_STATES
    kill(net)
    net = start(folder, save_interval_s=3600)
    assert not any(state.exists() for state in states)
    assert (folder / "anvil.log").stat().st_size == 0


def test_settings_survive_a_stop(folder: Path) -> None:
    assert Devnet(folder).last_settings() == DevnetSettings(8545, 1.0, 20)
    net = start(folder, block_time_s=0.5, accounts=3)
    port = net.status().port
    net.stop()
    assert Devnet(folder).last_settings() == DevnetSettings(port or 0, 0.5, 3)


@pytest.mark.parametrize("text", ["{", "[]", '{"colour": 1}', '{"port": "x"}'])
def test_damaged_settings_are_named(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(text)
    with pytest.raises(InputError, match=r"settings\.json is damaged"):
        Devnet(folder).last_settings()


def test_a_damaged_record_is_named(folder: Path) -> None:
    folder.mkdir(parents=True)
    record = folder / "devnet.json"
    record.write_text("{")
    with pytest.raises(InputError, match=r"devnet\.json is damaged"):
        start(folder)
    record.unlink()


def test_contracts_and_logs_survive_a_restart(folder: Path, task: Task, parameters: Parameters) -> None:
    net = start(folder)
    deployment = deploy(Client.connect(net.rpc), dev_account(0), task, parameters)
    net.stop()
    client = Client.connect(start(folder).rpc)
    verify(client, deployment)
    logs = Client.connect(client.rpc.url, deployment).logs(deployment.deployed_at, client.latest().number)
    assert logs
    assert Client.connect(client.rpc.url, deployment).head().hex() == deployment.genesis_id[2:]
