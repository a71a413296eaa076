"""Deploying a small real task, and right and wrong blocks on its genesis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pol_oracle.evidence import first_unmet, traced
from pol_oracle.fixtures.forged import STEP, nudged, own_indices, with_post
from pol_oracle.fixtures.l1 import L1, MINER
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.search import Proof
from pol_oracle.task import Segment, Workload
from tests.cli.conftest import Pol

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


@dataclass(frozen=True)
class Ground:
    """What a block on genesis stands on."""

    workload: Workload
    segment: Segment


def deployed(pol: Pol, anvil: str, task_file: Path, home: Path, *options: object) -> L1:
    said = pol("--rpc", anvil, "deploy", task_file, "--dev", 0, "--json", *options)
    assert said.code == 0, said.err
    made = Deployment.load(home / "deployment.json")
    assert said.json["addresses"] == made.addresses
    return L1(Client.connect(anvil, made), made.task)


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
