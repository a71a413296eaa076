"""A verifier where torch cannot be imported: the base install, without the extra ``miner``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.cli.failures import OF_MINERS
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.task import Workload
from tests.adversaries.forging import Forgery, honest
from tests.e2e.processes import CHECKOUT, Processes

ABSENT = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OF_MINERS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def torchless(tmp_path: Path) -> Path:
    """A folder of modules; whoever finds it first cannot import torch."""
    folder = tmp_path / "torchless"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(ABSENT)
    return folder


def pol(processes: Processes, torchless: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a command where torch cannot be imported."""
    home = processes.folder / "home"
    (home / "data").mkdir(parents=True, exist_ok=True)
    (home / "deployment.json").write_bytes((processes.folder / "deployment.json").read_bytes())
    command = [sys.executable, "-m", "pol_oracle.cli", "--home", str(home), *words]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (torchless, CHECKOUT)))}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def propose(processes: Processes, forgery: Forgery) -> None:
    """Lets an account that the devnet signs for propose a block."""
    call = processes.client.request_for("PoLRegistry", "propose", (forgery.header.astuple(), ANY_DIFFICULTY))
    fields = {"from": forgery.header.miner, "to": call.target, "data": f"0x{call.data.hex()}"}
    processes.client.rpc.request("eth_sendTransaction", fields)


def test_a_verifier_without_torch_replays_attests_and_proves_fraud(
    processes: Processes, lone: Workload, accounts: list[LocalAccount], torchless: Path
) -> None:
    assert processes.client.deployment is not None
    difficulty = processes.client.deployment.parameters.difficulty
    genesis, miner = processes.client.head(), accounts[1].address
    right = honest(lone, genesis, miner, difficulty)
    wrong = honest(lone, genesis, miner, difficulty, missed=0)
    processes.start("verifier", 2, [torchless])
    for forgery in (right, wrong):
        propose(processes, forgery)

    def judged() -> bool:
        attested = {e.block_id for e in processes.history.events if isinstance(e, ev.Attested)}
        slashed = {b.id: b.slashed_for for b in processes.history.view.blocks.values() if b.slashed_for is not None}
        return attested == {right.id} and slashed == {wrong.id: EvidenceKind.REQUIREMENT}

    processes.until(judged)

    assert processes.stop(signal.SIGTERM) == [0]
    said = pol(processes, torchless, "blocks", "verify", f"0x{right.id.hex()}")
    assert said.returncode == 0, said.stderr
    assert "is valid: the replay gives the same bits" in said.stdout


def test_what_needs_torch_says_what_to_install(processes: Processes, torchless: Path) -> None:
    said = pol(processes, torchless, "miner", "run", "--dev", "1")
    assert said.returncode == 1
    assert (
        "this needs torch, which verifiers do without: install it with `pip install 'pol-oracle[miner]'`" in said.stderr
    )
