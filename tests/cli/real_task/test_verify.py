"""`pol blocks verify` replays a block."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pol_oracle.fixtures.forged import nudged
from pol_oracle.fixtures.l1 import L1, MINER
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.header import Header
from pol_oracle.search import Proof
from pol_oracle.store import StateStore, file_name
from pol_oracle.task import Workload
from tests.cli.conftest import Pol
from tests.cli.real_task.blocks import TASK, Ground, deployed, off_by_one_ulp, proposed, unearned

EXAMPLES = Path(__file__).parents[3] / "examples"


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


def test_genesis_cannot_be_verified(pol: Pol, network: L1) -> None:
    said = pol("blocks", "verify", "head")

    assert said.code == 1
    assert "genesis" in said.sentence
