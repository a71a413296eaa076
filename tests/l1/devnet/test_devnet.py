"""A background Anvil: start, stop, saved state, crashes, orphans. Real processes, each test in its own folder."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pol_oracle.l1.client import Client
from pol_oracle.l1.deploy import deploy, verify
from pol_oracle.l1.devnet import anvil as devnet_module
from pol_oracle.l1.devnet.accounts import DEV_ADDRESSES, dev_account
from pol_oracle.l1.devnet.anvil import OLD_STATES, Devnet, DevnetSettings, find_anvil
from pol_oracle.l1.devnet.ports import FIRST, LAST, free_port
from pol_oracle.l1.devnet.process import command_line, gone
from pol_oracle.protocol.errors import ChainError, InputError
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.task import Task


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a space in its name; what runs in it is stopped in any case."""
    path = tmp_path / "dev net"
    yield path
    Devnet(path).stop()


def start(folder: Path, **options: object) -> Devnet:
    return Devnet.start(folder, **({"port": 0, "block_time_s": None, "save_interval_s": 1} | options))  # type: ignore[arg-type]


def wait_until(true: Callable[[], bool], limit_s: float = 60.0) -> None:
    limit = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.02)


def pid_of(net: Devnet) -> int:
    pid = net.status().pid
    assert pid is not None
    return pid


def kill(net: Devnet) -> None:
    pid = pid_of(net)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def is_gone(pid: int) -> bool:
    return command_line(pid) == ""


def test_start_status_stop(folder: Path) -> None:
    net = start(folder)
    status = net.status()
    assert status.running
    assert status.block == 0
    assert status.rpc == net.rpc == f"http://127.0.0.1:{status.port}"
    assert Path(status.anvil) == find_anvil()
    assert Client.connect(net.rpc).chain_id == 31337
    pid = pid_of(net)
    assert net.stop()
    assert is_gone(pid)
    assert not net.status().running
    assert not net.stop()


def test_a_devnet_is_found_past_a_proxy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    net = start(folder)
    assert net.status().running
    assert Client.connect(net.rpc).latest().number == net.status().block


def test_osaka_rules(folder: Path) -> None:
    net = start(folder)
    clz = "0x60011e5f5260205ff3"  # PUSH1 1, CLZ, and return it
    answer = Client.connect(net.rpc).rpc.request("eth_call", {"data": clz}, "latest")
    assert int(answer, 16) == 255


def test_makes_blocks_by_itself(folder: Path) -> None:
    net = start(folder, block_time_s=0.1)
    wait_until(lambda: (net.status().block or 0) >= 2)


def test_another_process_finds_and_stops_it(folder: Path) -> None:
    net = start(folder)
    pid = pid_of(net)
    code = (
        "import sys, pathlib; from pol_oracle.l1.devnet.anvil import Devnet;"
        "print(Devnet(pathlib.Path(sys.argv[1])).stop())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
    wait_until(lambda: gone(pid))


def test_state_survives_a_restart(folder: Path) -> None:
    net = start(folder)
    Client.connect(net.rpc).rpc.request("anvil_mine", "0x7")
    before = Client.connect(net.rpc).latest()
    net.stop()
    again = start(folder)
    assert Client.connect(again.rpc).latest() == before


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
    assert again.status().block == 5
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
        assert net.status().block == 5
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
    assert start(folder).status().block == 7


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


def test_starts_once_per_folder(folder: Path) -> None:
    net = start(folder)
    with pytest.raises(InputError, match="already running"):
        start(folder)
    assert net.status().running


def test_a_taken_port_is_named(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is not free"):
            start(folder, port=port)
    assert not Devnet(folder).status().running


def test_a_foreign_process_with_our_old_pid_is_left_alone(folder: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        folder.mkdir(parents=True)
        (folder / "devnet.json").write_text(f'{{"pid": {stranger.pid}, "port": {free_port()}, "anvil": "anvil"}}')
        assert not Devnet(folder).status().running
        assert not Devnet(folder).stop()
        assert stranger.poll() is None
        assert start(folder).status().running
    finally:
        stranger.kill()
        stranger.wait()


def test_a_damaged_record_is_named(folder: Path) -> None:
    folder.mkdir(parents=True)
    record = folder / "devnet.json"
    record.write_text("{")
    with pytest.raises(InputError, match=r"devnet\.json is damaged"):
        start(folder)
    record.unlink()


def test_an_anvil_that_does_not_start_leaves_nothing(folder: Path) -> None:
    with pytest.raises(ChainError, match="did not start"):
        start(folder, accounts=-1)
    assert not Devnet(folder).status().running
    assert not (folder / "devnet.json").exists()


def test_an_anvil_on_the_path_comes_first(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = find_anvil()
    first = tmp_path / "bin of a user" / "anvil"
    first.parent.mkdir()
    first.write_text(f'#!/bin/sh\necho "$@" > "{tmp_path}/called"\nexec "{real}" "$@"\n')
    first.chmod(first.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(first.parent), prepend=os.pathsep)
    assert find_anvil() == first
    net = start(folder)
    assert net.status().running
    assert (tmp_path / "called").exists()
    pid = pid_of(net)
    net.stop()
    assert is_gone(pid)


def test_without_any_anvil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(devnet_module, "CHECKOUT", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="there is no anvil"):
        find_anvil()


def test_bound_devnet_ends_with_a_killed_process(folder: Path) -> None:
    code = (
        "import sys, time, pathlib; from pol_oracle.l1.devnet.anvil import Devnet;"
        "Devnet.start(pathlib.Path(sys.argv[1]), port=0, bound=True); print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        while "ready" not in process.stdout.readline().split():
            assert process.poll() is None
        pid = pid_of(Devnet(folder))
        process.kill()
    wait_until(lambda: is_gone(pid))


def test_bound_devnet_lives_when_nobody_keeps_what_started_it(folder: Path) -> None:
    """It ended as soon as the object was collected, which held the watcher's pipe."""
    start(folder, bound=True)
    net = Devnet(folder)
    pid = pid_of(net)
    watcher = devnet_module._watchers[pid]
    assert watcher.stdin is not None and not watcher.stdin.closed

    assert net.stop()
    assert gone(watcher.pid) and is_gone(pid)


def test_unbound_devnet_outlives_its_starter(folder: Path) -> None:
    code = (
        "import sys, pathlib; from pol_oracle.l1.devnet.anvil import Devnet;"
        "Devnet.start(pathlib.Path(sys.argv[1]), port=0)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, stdout=subprocess.DEVNULL)
    assert Devnet(folder).status().running


def test_dev_accounts_are_anvils(folder: Path) -> None:
    net = start(folder)
    listed = Client.connect(net.rpc).rpc.request("eth_accounts")
    assert [dev_account(i).address.lower() for i in range(20)] == [a.lower() for a in listed]
    assert list(DEV_ADDRESSES) == [dev_account(i).address for i in range(len(DEV_ADDRESSES))]


def test_dev_accounts_are_numbered_from_zero() -> None:
    with pytest.raises(InputError):
        dev_account(-1)


def test_contracts_and_logs_survive_a_restart(folder: Path, task: Task, parameters: Parameters) -> None:
    net = start(folder)
    deployment = deploy(Client.connect(net.rpc), dev_account(0), task, parameters)
    net.stop()
    client = Client.connect(start(folder).rpc)
    verify(client, deployment)
    logs = Client.connect(client.rpc.url, deployment).logs(deployment.deployed_at, client.latest().number)
    assert logs
    assert Client.connect(client.rpc.url, deployment).head().hex() == deployment.genesis_id[2:]


def test_free_ports_are_not_those_of_outgoing_connections() -> None:
    assert all(FIRST <= free_port() <= LAST < 32_768 for _ in range(20))
