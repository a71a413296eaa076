"""`pol deploy` begins a network, and nobody runs in it without a bond or with another task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from pol_oracle.agents.runtime import prepare_workload
from pol_oracle.canonical.state import State
from pol_oracle.fixtures.forged import nudged
from pol_oracle.fixtures.l1 import L1
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.store import StateStore, file_name
from pol_oracle.task import Workload
from tests.cli.conftest import Pol, Said
from tests.cli.real_task.blocks import deployed


def test_initial_weights_are_in_the_store(network: L1, home: Path, workload: Workload) -> None:
    assert (home / "store" / file_name(workload.initial.root)).read_bytes() == workload.initial.to_bytes()


def test_deployment_is_not_overwritten_by_mistake(pol: Pol, network: L1, task_file: Path, anvil: str) -> None:
    said = pol("--rpc", anvil, "deploy", task_file, "--dev", 0)

    assert said.code == 1
    assert "--force" in said.sentence


@pytest.mark.parametrize(("role", "needed"), [("miner", "1.25 ETH"), ("verifier", "1.94 ETH")])
def test_no_bond(pol: Pol, home: Path, network: L1, role: str, needed: str) -> None:
    said = pol(role, "run", "--dev", 9)

    assert said.code == 1
    assert f"needs at least {needed}" in said.sentence
    assert f"`pol --home {home} bond deposit {needed.removesuffix(' ETH')} --role {role}" in said.sentence


def test_task_mismatch(pol: Pol, network: L1, home: Path) -> None:
    assert pol("bond", "deposit", 5, "--role", "verifier", "--dev", 9).code == 0
    known = Deployment.load(home / "deployment.json")
    known.model_copy(update={"spec": known.spec | {"seed": 2}}).save(home / "deployment.json")

    said = pol("verifier", "run", "--dev", 9)

    assert said.code == 1
    assert "initial_root" in said.sentence
    assert "the version of pol-oracle" in said.sentence


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


def test_full_disk_under_the_store(pol: Pol, anvil: str, task_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    said = pol("--rpc", anvil, "deploy", task_file, "--dev", 0)

    assert said.code == 1
    assert "the disk is full" in said.sentence
