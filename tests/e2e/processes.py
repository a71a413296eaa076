"""Agents in processes of their own, on an L1 that lives while somebody waits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.monitor import Monitor
from pol_oracle.view import History

CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT_S = 240.0


class Processes:
    """One miner and one verifier, L1 that makes a block every tenth of a second, and an observer."""

    def __init__(self, folder: Path, cache: Path, deployment: Deployment, client: Client) -> None:
        self.folder = folder
        self.cache = cache
        self.client = client
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.history = History(bytes.fromhex(deployment.genesis_id[2:]))
        self.monitor = Monitor(client, deployment.deployed_at, 0)
        deployment.save(folder / "deployment.json")

    def start(self, role: str, account: int, path: Sequence[Path] = ()) -> None:
        """Starts an agent; it finds modules in these folders before all others."""
        arguments = (role, self.folder / "deployment.json", account, self.folder / "agents", self.cache)
        command = [sys.executable, str(Path(__file__).with_name("agent_process.py")), *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (*path, CHECKOUT)))}
        self.running[f"{role}-{account}"] = subprocess.Popen(command, env=environment)

    def stop(self, number: signal.Signals) -> list[int]:
        """Sends a signal to all agents and returns their exit codes."""
        for process in self.running.values():
            process.send_signal(number)
        codes = [process.wait(30) for process in self.running.values()]
        self.running.clear()
        return codes

    def until(self, condition: Callable[[], bool]) -> None:
        """Lets L1 live until something is true."""
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline, "it never came true"
            assert all(process.poll() is None for process in self.running.values()), "an agent gave up"
            self.client.rpc.request("evm_setNextBlockTimestamp", self.client.latest().timestamp + 2)
            self.client.rpc.request("anvil_mine", "0x1")
            update = self.monitor.poll()
            self.history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
            time.sleep(0.1)

    def count(self, kind: type[Any]) -> int:
        """How many events of a kind L1 shows."""
        return sum(isinstance(e, kind) for e in self.history.events)

    def status(self, name: str) -> dict[str, Any]:
        """An agent's status file."""
        found: dict[str, Any] = json.loads((self.folder / "agents" / f"{name}.json").read_text())
        return found
