"""A background Anvil: start, stop, crashes, orphans. Real processes, each test in its own folder."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pol_oracle.l1.client import Client
from pol_oracle.l1.devnet import anvil as devnet_module
from pol_oracle.l1.devnet.accounts import DEV_ADDRESSES, dev_account
from pol_oracle.l1.devnet.anvil import Devnet, find_anvil
from pol_oracle.l1.devnet.ports import FIRST, LAST, free_port
from pol_oracle.l1.devnet.process import command_line, gone
from pol_oracle.protocol.errors import ChainError, InputError
from tests.l1.devnet.devnets import pid_of, start, wait_until


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


def test_free_ports_are_not_those_of_outgoing_connections() -> None:
    assert all(FIRST <= free_port() <= LAST < 32_768 for _ in range(20))
