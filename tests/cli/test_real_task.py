"""Commands that compute: deploy a real task, refuse to run without a bond or with another task, replay blocks."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pol_oracle.bench.l1 import L1, MINER
from pol_oracle.chain.client import Client
from pol_oracle.chain.deployment import Deployment
from pol_oracle.chain.devnet import dev_account
from pol_oracle.chain.ports import free_port
from pol_oracle.demo.forgers import nudged, own_indices, with_post
from pol_oracle.demo.forgers import published as everything
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.search import NaiveSearch, Proof
from pol_oracle.store import StateStore, file_name
from pol_oracle.task import Workload, build_workload, load_spec
from tests.cli.conftest import Pol

TASK = """
name = "small"
learning_rate = 0.01
accuracy_slack = 1024

[data]
train = 256
test = 256

[chain]
difficulty_bits = 1
confirmations = 0
"""


@dataclass(frozen=True)
class Parent:
    """Genesis, as the search sees it."""

    id: bytes
    correct_after: int = 0


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def task_file(tmp_path: Path, home: Path, cache: Path) -> Path:
    home.mkdir()
    (home / "data").symlink_to(cache, target_is_directory=True)
    path = tmp_path / "small.toml"
    path.write_text(TASK)
    return path


@pytest.fixture
def network(pol: Pol, anvil: str, task_file: Path, home: Path) -> L1:
    """What ``pol deploy`` made."""
    said = pol("--rpc", anvil, "deploy", task_file, "--dev", 0, "--json")
    assert said.code == 0, said.err
    made = Deployment.load(home / "deployment.json")
    assert said.json["addresses"] == made.addresses
    return L1(Client.connect(anvil, made), made.task)


@pytest.fixture
def workload(task_file: Path, cache: Path) -> Workload:
    return build_workload(load_spec(task_file), cache)


@pytest.fixture
def proof(network: L1, workload: Workload) -> Proof:
    parent = Parent(network.client.finalized_tip())
    found = NaiveSearch(workload).search(parent, dev_account(MINER).address, workload.initial, BIT)
    assert found is not None
    return found


def published(network: L1, home: Path, proof: Proof, header: Header) -> str:
    """Publishes a proof's states and proposes a header; returns the block's id in hex."""
    store = StateStore([home / "store"])
    for root, content in everything(replace(proof, header=header)).items():
        store.put(root, content)
    network.send(MINER, "BondVault", "deposit", int(Role.MINER), value=10**18)
    block, _ = network.propose(header)
    return block.hex()


def test_initial_weights_are_in_the_store(network: L1, home: Path, workload: Workload) -> None:
    assert (home / "store" / file_name(workload.initial.root)).read_bytes() == workload.initial.to_bytes()


def test_deployment_is_not_overwritten_by_mistake(pol: Pol, network: L1, task_file: Path, anvil: str) -> None:
    said = pol("--rpc", anvil, "deploy", task_file, "--dev", 0)

    assert said.code == 1
    assert "--force" in said.sentence


@pytest.mark.parametrize(("role", "needed"), [("miner", "1 ETH"), ("verifier", "1.53 ETH")])
def test_no_bond(pol: Pol, network: L1, role: str, needed: str) -> None:
    said = pol(role, "run", "--dev", 9)

    assert said.code == 1
    assert f"needs at least {needed}" in said.sentence
    assert f"pol bond deposit --role {role}" in said.sentence


def test_task_mismatch(pol: Pol, network: L1, home: Path) -> None:
    assert pol("bond", "deposit", 5, "--role", "verifier", "--dev", 9).code == 0
    known = Deployment.load(home / "deployment.json")
    known.model_copy(update={"spec": known.spec | {"seed": 2}}).save(home / "deployment.json")

    said = pol("verifier", "run", "--dev", 9)

    assert said.code == 1
    assert "initial_root" in said.sentence
    assert "the version of pol-oracle" in said.sentence


def test_right_block_verifies(pol: Pol, network: L1, home: Path, proof: Proof) -> None:
    block = published(network, home, proof, proof.header)

    said = pol("blocks", "verify", block, "--json")

    assert said.code == 0, said.err
    assert said.json == {"id": "0x" + block, "valid": True, "kind": None, "reason": ""}


def test_wrong_block_does_not_verify(pol: Pol, network: L1, home: Path, proof: Proof) -> None:
    said = pol("blocks", "verify", forged(network, home, proof))

    assert said.code == 1
    assert "INVALID (step)" in said.out


def forged(network: L1, home: Path, proof: Proof) -> str:
    """A block whose W' is one ulp off, served."""
    wrong = with_post(proof, nudged(proof.post))
    return published(network, home, wrong, wrong.header)


def test_dry_run_shows_what_a_challenge_would_send_and_sends_nothing(
    pol: Pol, network: L1, home: Path, proof: Proof
) -> None:
    block = forged(network, home, proof)
    before = network.client.latest().number

    said = pol("challenge", block, "--dry-run", "--json")
    assert said.code == 0, said.err
    assert (said.json["valid"], said.json["sent"]) == (False, False)
    (prove,) = said.json["calls"]
    assert prove["contract"] == "Court"
    assert prove["function"].startswith("prove")
    assert not prove["gas_with_slash"]  # nothing is committed, so the call itself would be refused
    assert prove["gas"] > 21_000
    assert prove["bytes"] > 1000

    own = pol("challenge", block, "--dry-run", "--dev", 9, "--json").json
    assert [call["function"] for call in own["calls"]] == ["commit", prove["function"]]
    text = pol("challenge", block, "--dry-run").out
    assert "would send: Court.prove" in text
    assert network.client.latest().number == before


def test_challenge_commits_waits_and_proves(
    pol: Pol, network: L1, home: Path, proof: Proof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pol_oracle.cli.challenge.LIMIT_S", 0.0)  # this L1 makes no block unasked
    block = forged(network, home, proof)
    waiting = pol("challenge", block, "--dev", 9)
    assert waiting.code == 1
    assert "give the command again" in waiting.sentence
    network.wait(1)
    ready = pol("challenge", block, "--dry-run", "--dev", 9, "--json").json["calls"]
    assert [(call["contract"], call["gas_with_slash"]) for call in ready] == [("Court", True)]

    said = pol("challenge", block, "--dev", 9, "--json")

    assert said.code == 0, said.err
    assert said.json["sent"]
    assert network.client.block_record(bytes.fromhex(block)).status is Status.SLASHED


def test_right_block_leaves_nothing_to_challenge(pol: Pol, network: L1, home: Path, proof: Proof) -> None:
    block = published(network, home, proof, proof.header)

    shown, sent = pol("challenge", block, "--dry-run"), pol("challenge", block, "--dev", 9)

    assert shown.code == 0
    assert "is valid" in shown.out
    assert sent.code == 1
    assert "nothing to challenge" in sent.sentence


def test_what_is_not_served_is_demanded(pol: Pol, network: L1, home: Path, proof: Proof) -> None:
    hidden = own_weights(network, proof)
    block = published(network, home, hidden, hidden.header)
    (home / "store" / file_name(hidden.header.pre_root)).unlink()

    (first, *_) = pol("challenge", block, "--dry-run", "--dev", 9, "--json").json["calls"]
    assert (first["contract"], first["function"], first["gas"]) == ("Demands", "demand", None)
    assert "insufficient bond" in first["refused"]

    assert pol("bond", "deposit", 5, "--role", "verifier", "--dev", 9).code == 0
    unasked = pol("challenge", block, "--dev", 9)
    assert unasked.code == 1
    assert "demands lock" in unasked.sentence
    assert "cannot be judged yet" in pol("challenge", block, "--dry-run").out

    said = pol("challenge", block, "--dev", 9, "--demand", "--json")
    assert said.code == 0, said.err
    assert pol("blocks", "show", block, "--json").json["demands"][0]["position"] == first["about"]
    assert pol("challenge", block, "--dry-run", "--dev", 9, "--json").json["calls"] == []  # all of it is demanded


def own_weights(network: L1, proof: Proof) -> Proof:
    """The proof on other weights than the task's initial ones, which everybody has."""
    pre = nudged(proof.pre)
    header = replace(proof.header, pre_root=pre.root)
    return replace(proof, pre=pre, header=replace(header, indices=own_indices(network.task, header)))


def test_corrupt_state_file(pol: Pol, network: L1, home: Path, proof: Proof) -> None:
    hidden = own_weights(network, proof)
    block = published(network, home, hidden, hidden.header)
    path = home / "store" / file_name(hidden.header.pre_root)
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)

    said = pol("blocks", "verify", block)

    assert said.code == 1
    assert path.name in said.sentence
    assert "root" in said.sentence


def test_missing_state_file(pol: Pol, network: L1, home: Path, proof: Proof) -> None:
    hidden = own_weights(network, proof)
    block = published(network, home, hidden, hidden.header)
    (home / "store" / file_name(hidden.header.pre_root)).unlink()

    said = pol("blocks", "verify", block)

    assert said.code == 1
    assert "not there" in said.sentence


def test_full_disk_under_the_store(pol: Pol, anvil: str, task_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    said = pol("--rpc", anvil, "deploy", task_file, "--dev", 0)

    assert said.code == 1
    assert "the disk is full" in said.sentence


def test_genesis_cannot_be_verified(pol: Pol, network: L1) -> None:
    said = pol("blocks", "verify", "head")

    assert said.code == 1
    assert "genesis" in said.sentence


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
