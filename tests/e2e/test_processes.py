"""Agents as processes, killed with SIGKILL in the middle of their work and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.events import typed as ev
from pol_oracle.l1.monitor import Monitor
from pol_oracle.launch import launch
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.task import TaskSpec, Workload, build_workload
from pol_oracle.view import History
from tests.e2e.stage import Mine, Stage

CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT_S = 100.0


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

    def start(self, role: str, account: int) -> None:
        """Starts an agent."""
        arguments = (role, self.folder / "deployment.json", account, self.folder / "agents", self.cache)
        command = [sys.executable, str(Path(__file__).with_name("agent_process.py")), *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
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


@pytest.fixture
def processes(
    tmp_path: Path, anvil: str, accounts: list[LocalAccount], cache: Path, lone: Workload, mine: Mine
) -> Iterator[Processes]:
    """Bonded accounts 1 (miner) and 2 (verifier) on a real task with a quorum of one."""
    deployment = launch(Client.connect(anvil), accounts[0], lone, [str(tmp_path / "store")])
    stage = Stage(tmp_path, anvil, deployment, mine)
    stage.bond(accounts[1], Role.MINER)
    stage.bond(accounts[2], Role.VERIFIER)
    them = Processes(tmp_path, cache, deployment, stage.client)
    yield them
    them.stop(signal.SIGKILL)


@pytest.mark.timeout(300)
def test_agents_killed_in_the_middle_send_nothing_twice_and_forget_no_duty(processes: Processes) -> None:
    processes.start("miner", 1)
    processes.start("verifier", 2)
    processes.until(lambda: processes.count(ev.BlockProposed) >= 2 and processes.count(ev.Attested) >= 1)
    assert set(processes.stop(signal.SIGKILL)) == {-signal.SIGKILL}
    killed_at = processes.history.view.l1_block

    processes.start("miner", 1)
    processes.start("verifier", 2)

    def all_paid() -> bool:
        finals = [e for e in processes.history.events if isinstance(e, ev.BlockFinalized)]
        after = [e for e in processes.history.events if isinstance(e, ev.BlockProposed) and e.at.l1_block > killed_at]
        return len(finals) >= 2 and processes.count(ev.AttestationSettled) >= 2 and bool(after)

    processes.until(all_paid)
    processes.until(lambda: processes.status("miner-1")["finalized_height"] >= 2)  # the miner has seen it too
    processes.until(lambda: any((processes.folder / "store").glob("*.f32")))  # for who comes later
    proposals = Counter(e.block_id for e in processes.history.events if isinstance(e, ev.BlockProposed))
    assert set(proposals.values()) == {1}
    heights = [b.height for b in processes.history.view.blocks.values()]
    assert len(heights) == len(set(heights))  # the miner never raced itself

    assert processes.stop(signal.SIGTERM) == [0, 0]
    status = processes.status("miner-1")
    assert not status["running"]
    assert status["finalized_height"] >= 2
    assert any(entry["unit"] == "LEARN" and entry["amount"] > 0 for entry in status["ledger"])


@pytest.fixture(scope="session")
def lone(cache: Path, spec: TaskSpec) -> Workload:
    """The tiny task, with a quorum of one."""
    chain = spec.chain.model_copy(update={"quorum": 1})
    return build_workload(spec.model_copy(update={"chain": chain}), cache)
