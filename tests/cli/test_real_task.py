"""Commands that compute: deploy a real task, refuse to run without a bond or with another task, replay blocks."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from numpy.typing import NDArray

from pol_oracle.agents.runtime import prepare_workload
from pol_oracle.bench.l1 import L1, MINER
from pol_oracle.canonical.state import State
from pol_oracle.demo.forgers import STEP, nudged, own_indices, with_post
from pol_oracle.evidence import first_unmet, traced
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.devnet.ports import free_port
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.search import Base, Job, Proof, build_module, search_for
from pol_oracle.search.torch_models import images_to_torch
from pol_oracle.store import StateStore, file_name
from pol_oracle.task import Segment, Workload, build_workload, load_spec, train_segment
from tests.cli.conftest import Pol, Said

TASK = """
name = "small"
learning_rate = 0.1
training_steps = 8

[data]
train = 256
test = 256

[chain]
difficulty_bits = 1
confirmations = 0
"""
EXAMPLES = Path(__file__).parents[2] / "examples"
TIE = 1e-4  # logits so close may change places where torch rounds another way


@dataclass(frozen=True)
class Ground:
    """What a block on genesis stands on."""

    workload: Workload
    segment: Segment


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


def deployed(pol: Pol, anvil: str, task_file: Path, home: Path, *options: object) -> L1:
    said = pol("--rpc", anvil, "deploy", task_file, "--dev", 0, "--json", *options)
    assert said.code == 0, said.err
    made = Deployment.load(home / "deployment.json")
    assert said.json["addresses"] == made.addresses
    return L1(Client.connect(anvil, made), made.task)


@pytest.fixture
def network(pol: Pol, anvil: str, task_file: Path, home: Path) -> L1:
    """What ``pol deploy`` made."""
    return deployed(pol, anvil, task_file, home)


@pytest.fixture
def workload(task_file: Path, cache: Path) -> Workload:
    return build_workload(load_spec(task_file), cache)


@pytest.fixture
def ground(network: L1, workload: Workload) -> Ground:
    return Ground(workload, train_segment(workload, network.client.finalized_tip(), workload.initial))


@pytest.fixture
def proof(ground: Ground) -> Proof:
    base = Base(ground.segment.root, ground.segment.end)
    job = Job(ground.segment.block_id, dev_account(MINER).address, BIT)
    found = search_for(ground.workload).search(job, base)
    assert found is not None
    return found


def proposed(network: L1, header: Header) -> str:
    """Proposes a header; returns the block's id in hex."""
    network.send(MINER, "BondVault", "deposit", int(Role.MINER), value=10**18)
    block, _ = network.propose(header)
    return block.hex()


def unearned(network: L1, ground: Ground) -> str:
    """A block with right trees whose step does not meet what it has to."""
    workload, pre = ground.workload, ground.segment.end
    invented = keccak(b"never evaluated")
    roots = ground.segment.root, pre.root, invented, invented, invented
    for nonce in range(100):
        draft = Header(ground.segment.block_id, dev_account(MINER).address, nonce, (), *roots, 0, 1)
        header = replace(draft, indices=own_indices(workload.task, draft))
        chosen = list(header.indices)
        result = workload.stepper.run(pre, workload.train.images[chosen], workload.train.labels[chosen])
        header = replace(header, post_root=result.post.root, trace_root=result.trace.root)
        if first_unmet(workload, header, BIT, pre, result.post) is not None:
            return proposed(network, header)
    raise AssertionError("every step meets one requirement")


def off_by_one_ulp(network: L1, ground: Ground, proof: Proof) -> str:
    """A block whose W' is one ulp off."""
    lie = with_post(traced(ground.workload, proof.header, STEP, proof.pre), nudged(proof.post))
    return proposed(network, replace(proof.header, post_root=lie.roots.post_root, trace_root=lie.roots.root))


def test_initial_weights_are_in_the_store(network: L1, home: Path, workload: Workload) -> None:
    assert (home / "store" / file_name(workload.initial.root)).read_bytes() == workload.initial.to_bytes()


def test_deployment_is_not_overwritten_by_mistake(pol: Pol, network: L1, task_file: Path, anvil: str) -> None:
    said = pol("--rpc", anvil, "deploy", task_file, "--dev", 0)

    assert said.code == 1
    assert "--force" in said.sentence


@pytest.mark.parametrize(("role", "needed"), [("miner", "1.25 ETH"), ("verifier", "1.94 ETH")])
def test_no_bond(pol: Pol, network: L1, role: str, needed: str) -> None:
    said = pol(role, "run", "--dev", 9)

    assert said.code == 1
    assert f"needs at least {needed}" in said.sentence
    assert f"pol bond deposit {needed.removesuffix(' ETH')} --role {role}" in said.sentence


def test_task_mismatch(pol: Pol, network: L1, home: Path) -> None:
    assert pol("bond", "deposit", 5, "--role", "verifier", "--dev", 9).code == 0
    known = Deployment.load(home / "deployment.json")
    known.model_copy(update={"spec": known.spec | {"seed": 2}}).save(home / "deployment.json")

    said = pol("verifier", "run", "--dev", 9)

    assert said.code == 1
    assert "initial_root" in said.sentence
    assert "the version of pol-oracle" in said.sentence


def test_right_block_verifies_and_is_shown(pol: Pol, network: L1, home: Path, proof: Proof) -> None:
    block = proposed(network, proof.header)

    said = pol("blocks", "verify", block, "--json")

    assert said.code == 0, said.err
    assert said.json == {"id": "0x" + block, "valid": True, "dead_end": False, "kind": None, "reason": ""}
    shown = pol("blocks", "show", block, "--json").json
    assert shown["header"]["segment_root"] == "0x" + proof.header.segment_root.hex()
    assert {path.name for path in (home / "states").iterdir()} == {file_name(proof.post.root)}


def test_the_example_replays_the_head_and_draws_it(network: L1, home: Path, proof: Proof) -> None:
    block = proposed(network, proof.header)
    example, picture = EXAMPLES / "replay_a_block.py", home / "step.png"

    done = subprocess.run(
        [sys.executable, example, home / "deployment.json", picture], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert f"block {block} at height 1 is right" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_wrong_block_does_not_verify(pol: Pol, network: L1, ground: Ground) -> None:
    said = pol("blocks", "verify", unearned(network, ground))

    assert said.code == 1
    assert "INVALID (requirement): requirement 0 is not met" in said.out


def test_what_stands_on_a_wrong_block_cannot_be_verified(pol: Pol, network: L1, ground: Ground, proof: Proof) -> None:
    below = off_by_one_ulp(network, ground, proof)
    above = replace(network.header(bytes.fromhex(below), 1), correct_before=0, correct_after=1)

    said = pol("blocks", "verify", proposed(network, above))

    assert said.code == 1
    assert "does not follow" in said.sentence


def test_dry_run_shows_what_a_challenge_would_send_and_sends_nothing(pol: Pol, network: L1, ground: Ground) -> None:
    block = unearned(network, ground)
    before = network.client.latest().number

    said = pol("challenge", block, "--dry-run", "--json")
    assert said.code == 0, said.err
    assert (said.json["valid"], said.json["sent"]) == (False, False)
    (prove,) = said.json["calls"]
    assert (prove["contract"], prove["function"]) == ("Court", "proveRequirement")
    assert not prove["gas_with_slash"]  # nothing is committed, so the call itself would be refused
    assert prove["gas"] > 21_000
    assert prove["bytes"] > 1000

    own = pol("challenge", block, "--dry-run", "--dev", 9, "--json").json
    assert [call["function"] for call in own["calls"]] == ["commit", prove["function"]]
    text = pol("challenge", block, "--dry-run").out
    assert "would send: Court.prove" in text
    assert network.client.latest().number == before


def test_challenge_commits_waits_and_proves(
    pol: Pol, network: L1, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pol_oracle.l1.node.pace.patience_s", lambda *_: 0.0)  # this L1 makes no block unasked
    block = unearned(network, ground)
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


def test_right_block_leaves_nothing_to_challenge(pol: Pol, network: L1, proof: Proof) -> None:
    block = proposed(network, proof.header)

    shown, sent = pol("challenge", block, "--dry-run"), pol("challenge", block, "--dev", 9)

    assert shown.code == 0
    assert "is valid" in shown.out
    assert sent.code == 1
    assert "nothing to challenge" in sent.sentence


def test_what_only_the_miner_knows_is_demanded(pol: Pol, network: L1, ground: Ground, proof: Proof) -> None:
    block = off_by_one_ulp(network, ground, proof)

    (first,) = pol("challenge", block, "--dry-run", "--dev", 9, "--json").json["calls"]
    assert (first["contract"], first["function"], first["gas"]) == ("Demands", "demand", None)
    assert first["about"] == "the roots of the step"
    assert "insufficient bond" in first["refused"]

    assert pol("bond", "deposit", 5, "--role", "verifier", "--dev", 9).code == 0
    unasked = pol("challenge", block, "--dev", 9)
    assert unasked.code == 1
    assert "--demand, which locks 0.02 ETH" in unasked.sentence
    assert "is INVALID: its trace is another one" in pol("challenge", block, "--dry-run").out

    said = pol("challenge", block, "--dev", 9, "--demand", "--json")
    assert said.code == 0, said.err
    assert pol("blocks", "show", block, "--json").json["demands"][0]["position"] == first["about"]
    assert pol("challenge", block, "--dry-run", "--dev", 9, "--json").json["calls"] == []  # it is demanded


@pytest.mark.parametrize("layout", ["safetensors", "torch"])
def test_exported_network_classifies_as_the_chain_says(
    pol: Pol, network: L1, ground: Ground, proof: Proof, tmp_path: Path, layout: str
) -> None:
    block, out = proposed(network, proof.header), tmp_path / "network"

    said = pol("state", "export", block, "--format", layout, "--out", out, "--json")

    assert said.code == 0, said.err
    test, model = ground.workload.test, ground.workload.model
    assert (said.json["correct"], said.json["status"]) == (proof.header.correct_after, "pending")
    tensors = loaded(out, layout)
    state = State.from_torch(model, {name: tensor.numpy() for name, tensor in tensors.items()})
    assert state == proof.post
    canonical = ground.workload.evaluator.correct(state, test.images, test.labels)
    assert canonical.sum() == proof.header.correct_after

    module = build_module(model).eval()
    module.load_state_dict(tensors)
    with torch.no_grad():
        logits = module(images_to_torch(test.images, torch.device("cpu"))).numpy()
    assert_same_where_no_tie(logits, test.labels, canonical)


def test_what_is_pending_and_wrong_is_not_exported(pol: Pol, network: L1, proof: Proof, tmp_path: Path) -> None:
    """Its W' was written as the chain's network for its header's word."""
    boasted = replace(proof.header, correct_after=proof.header.correct_after + 5)
    block = proposed(network, boasted)

    said = pol("state", "export", block, "--out", tmp_path / "network")

    assert said.code == 1
    assert f"block 0x{block} is pending and wrong" in said.sentence
    assert not (tmp_path / "network").exists()


def loaded(path: Path, layout: str) -> dict[str, torch.Tensor]:
    if layout == "torch":
        tensors: dict[str, torch.Tensor] = torch.load(path)
        return tensors
    return {name: torch.from_numpy(array) for name, array in safetensors.numpy.load_file(path).items()}


def assert_same_where_no_tie(logits: NDArray[Any], labels: NDArray[np.uint8], correct: NDArray[np.bool_]) -> None:
    best = np.sort(logits, axis=1)
    tied = best[:, -1] - best[:, -2] < TIE
    assert tied.mean() < 0.02
    assert np.array_equal((logits.argmax(1) == labels)[~tied], correct[~tied])


def test_genesis_can_be_exported(pol: Pol, network: L1, workload: Workload, tmp_path: Path) -> None:
    said = pol("state", "export", "head", "--out", tmp_path / "network", "--json")

    assert said.json["root"] == "0x" + workload.initial.root.hex()
    assert State.from_torch(workload.model, safetensors.numpy.load_file(tmp_path / "network")) == workload.initial


def test_export_into_a_folder_that_is_not_there(pol: Pol, network: L1, tmp_path: Path) -> None:
    said = pol("state", "export", "head", "--out", tmp_path / "none" / "network")

    assert said.code == 1
    assert "create its folder" in said.sentence


@pytest.mark.parametrize("given", ["safetensors", "f32", "root"])
def test_network_begins_with_a_given_state(
    pol: Pol, anvil: str, task_file: Path, home: Path, workload: Workload, tmp_path: Path, given: str
) -> None:
    state = nudged(workload.initial)
    file = tmp_path / "state"
    if given == "safetensors":
        file.write_bytes(safetensors.numpy.save(state.to_torch()))
    elif given == "f32":
        file.write_bytes(state.to_bytes())
    else:
        StateStore([home / "store"]).put(state.root, state.to_bytes())

    named = "0x" + state.root.hex() if given == "root" else file
    network = deployed(pol, anvil, task_file, home, "--from-state", named)

    assert network.task.initial_root == state.root
    assert prepare_workload(Deployment.load(home / "deployment.json"), home / "data").initial == state
    exported = pol("state", "export", "head", "--out", tmp_path / "network", "--json").json
    assert exported["root"] == "0x" + state.root.hex()


def refused(pol: Pol, anvil: str, task_file: Path, given: object) -> Said:
    said = pol("--rpc", anvil, "deploy", task_file, "--dev", 0, "--from-state", given)
    assert said.code == 1
    return said


def test_what_is_no_state_begins_no_network(pol: Pol, anvil: str, task_file: Path, workload: Workload) -> None:
    file = task_file.with_name("state")
    assert "no such file" in refused(pol, anvil, task_file, file).sentence
    assert "name a store that has it" in refused(pol, anvil, task_file, "0x" + "11" * 32).sentence
    file.write_bytes(b"weights")
    assert "neither a safetensors file nor a state of cnn" in refused(pol, anvil, task_file, file).sentence
    broken = workload.initial.flat.copy()
    broken[7] = np.nan
    file.write_bytes(State(workload.model, broken).to_bytes())
    assert "not finite" in refused(pol, anvil, task_file, file).sentence


@pytest.fixture
def free(pol: Pol, anvil: str, task_file: Path, home: Path, workload: Workload) -> tuple[str, Path]:
    """Under the paper's rules: a block on a W of the miner's choice, and where the store has it."""
    task_file.write_text(TASK.replace("training_steps = 8", 'rules = "paper"'))
    network, pre = deployed(pol, anvil, task_file, home), nudged(workload.initial)
    store = StateStore([home / "store"])
    store.put(pre.root, pre.to_bytes())
    invented = keccak(b"invented")
    header = Header(
        network.client.finalized_tip(),
        dev_account(MINER).address,
        0,
        (0, 1, 2, 3),
        ZERO,
        pre.root,
        invented,
        invented,
        invented,
        0,
        1,
    )
    return proposed(network, header), home / "store" / file_name(pre.root)


def test_corrupt_state_file(pol: Pol, free: tuple[str, Path]) -> None:
    block, path = free
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)

    said = pol("blocks", "verify", block)

    assert said.code == 1
    assert path.name in said.sentence
    assert "root" in said.sentence


def test_missing_state_file(pol: Pol, free: tuple[str, Path]) -> None:
    block, path = free
    path.unlink()

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
