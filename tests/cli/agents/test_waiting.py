"""An agent that is started while L1 is away says so and waits; one whose L1 has no address ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.ports import free_port
from tests.cli.conftest import Pol


@pytest.mark.parametrize("role", ["miner", "verifier"])
def test_an_agent_waits_for_an_l1_that_is_away_and_can_be_stopped(home: Path, deployed: Deployment, role: str) -> None:
    command = [sys.executable, "-m", "pol_oracle.cli", "--home", str(home)]
    command += ["--rpc", f"http://127.0.0.1:{free_port()}", role, "run", "--dev", "1", "--store", str(home), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        said = json.loads(agent.stdout.readline())["data"]
        agent.send_signal(signal.SIGINT)
        _, errors = agent.communicate()

    assert said["event"] == "l1 is away"
    assert "no answer from L1" in said["reason"]
    assert agent.returncode not in (0, None)
    assert "Traceback" not in errors


@pytest.mark.parametrize("role", ["miner", "verifier"])
def test_an_agent_whose_rpc_address_is_none_ends_at_once(pol: Pol, home: Path, deployed: Deployment, role: str) -> None:
    said = pol("--rpc", "localhost", role, "run", "--dev", 1, "--store", home)

    assert said.code == 1
    assert "'localhost' is no RPC address" in said.sentence
