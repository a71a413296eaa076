"""`pol store serve` serves what `pol deploy` and agents have stored."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

from pol_oracle.l1.devnet.ports import free_port
from pol_oracle.store import StateStore
from tests.cli.conftest import Pol


def test_store_is_served_over_http(home: Path, task_file: Path) -> None:
    folder = home / "store"
    StateStore([folder]).put(bytes(32), b"weights")
    port = free_port()
    command = [sys.executable, "-m", "pol_oracle.cli", "--home", str(home), "store", "serve", "--port", str(port)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        assert f"http://127.0.0.1:{port}" in server.stderr.readline()
        wait_for(port)
        assert StateStore([f"http://127.0.0.1:{port}"]).get(bytes(32), 7) == b"weights"
    finally:
        server.terminate()
        server.wait(20)


def test_nothing_to_serve(pol: Pol) -> None:
    said = pol("store", "serve", "--port", free_port())

    assert said.code == 1
    assert "there is no folder" in said.sentence


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nobody serves")
