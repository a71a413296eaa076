"""`pol state export` writes the network that the chain has trained."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from numpy.typing import NDArray

from pol_oracle.agents.work.follow import Follower
from pol_oracle.canonical.state import State
from pol_oracle.cli import session
from pol_oracle.cli.settings import Settings
from pol_oracle.fixtures.l1 import L1
from pol_oracle.search import Proof, build_module
from pol_oracle.search.torch_models import images_to_torch
from pol_oracle.store import StateStore, file_name
from pol_oracle.task import Workload
from tests.cli.conftest import Pol
from tests.cli.real_task.blocks import Ground, proposed

TIE = 1e-4  # logits so close may change places where torch rounds another way


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


def test_states_of_agents_on_this_machine_need_no_replay(
    network: L1, home: Path, proof: Proof, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the deployment's store is elsewhere, every command replayed the chain from its beginning."""
    block = bytes.fromhex(proposed(network, proof.header))
    StateStore([home / "agents" / "verifier-kept"]).put(proof.post.root, proof.post.to_bytes())
    monkeypatch.delattr(Follower, "_step")
    settings = Settings(home=home)
    found = session.deployment(settings)
    view = session.history(session.client(settings, found), found).view

    with session.following(settings, found, view, [str(home / "elsewhere")], 1) as follower:
        assert follower.post(view.lineage(block), lambda: False) == proof.post


def test_a_home_that_cannot_be_written_to_costs_time_and_one_warning(
    pol: Pol,
    network: L1,
    home: Path,
    proof: Proof,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A state that could not be removed ended the command after all of its work."""
    block = proposed(network, proof.header)
    (home / "states").mkdir()
    (home / "states" / file_name(bytes(32))).touch()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "read-only file system")

    monkeypatch.setattr("pol_oracle.store.states.write_whole", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)

    said = pol("state", "export", block, "--out", tmp_path / "network", "--log-level", "warning")

    assert said.code == 0, said.err
    assert said.err.count("cannot keep states, so they are computed again") == 1


def test_genesis_can_be_exported(pol: Pol, network: L1, workload: Workload, tmp_path: Path) -> None:
    said = pol("state", "export", "head", "--out", tmp_path / "network", "--json")

    assert said.json["root"] == "0x" + workload.initial.root.hex()
    assert State.from_torch(workload.model, safetensors.numpy.load_file(tmp_path / "network")) == workload.initial


def test_export_into_a_folder_that_is_not_there(pol: Pol, network: L1, tmp_path: Path) -> None:
    said = pol("state", "export", "head", "--out", tmp_path / "none" / "network")

    assert said.code == 1
    assert "create its folder" in said.sentence
