"""The contracts under ape: the deployment plan of the package, carried out with ape's accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ape
import pytest

from pol_oracle.l1.deploy import plan
from pol_oracle.protocol import derivation
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.task import Task


@dataclass(frozen=True)
class Network:
    """Deployed contracts, as ape's contract instances."""

    registry: Any
    vault: Any
    bounties: Any
    court: Any
    demands: Any
    token: Any
    task: Task
    parameters: Parameters

    def header(self, miner: Any, parent: bytes | None = None, **changes: Any) -> Header:
        """A header that the registry takes; ``changes`` can spoil it."""
        parent = parent or bytes(self.registry.genesisId())
        seed = derivation.seed(self.task.rules, self.task.id, parent, miner.address, 7)
        good = Header(
            parent=parent,
            miner=miner.address,
            nonce=7,
            indices=derivation.batch(seed, self.task.batch_size, self.task.train_count),
            segment_root=keccak(b"segment" + parent),
            pre_root=keccak(b"pre" + parent),
            post_root=keccak(b"post" + parent),
            trace_root=keccak(b"trace" + parent),
            eval_root=keccak(b"eval" + parent),
            correct_before=1000,
            correct_after=1001,
        )
        return replace(good, **changes)

    def propose(self, miner: Any, parent: bytes | None = None, **changes: Any) -> bytes:
        """Proposes such a header and returns the block's id."""
        header = self.header(miner, parent, **changes)
        self.registry.propose(header.astuple(), ANY_DIFFICULTY, sender=miner)
        return header.id(self.task.id)


@pytest.fixture(scope="session")
def accounts() -> Any:
    """Ape's test accounts, in place of the package's."""
    return ape.accounts.test_accounts


@pytest.fixture(scope="session")
def deployer(accounts: Any) -> Any:
    return accounts[0]


@pytest.fixture(scope="session")
def miner(accounts: Any) -> Any:
    return accounts[1]


@pytest.fixture(scope="session")
def verifiers(accounts: Any) -> list[Any]:
    return [accounts[2], accounts[3], accounts[4]]


@pytest.fixture(scope="session")
def network(project: Any, deployer: Any, task: Task, parameters: Parameters) -> Network:
    """All contracts, with bonds for nobody yet."""
    creations = plan(deployer.address, deployer.nonce, task, parameters)
    made = {c.name: deployer.deploy(getattr(project, c.name), *c.arguments) for c in creations}
    assert [made[c.name].address for c in creations] == [c.address for c in creations]
    return Network(
        registry=made["PoLRegistry"],
        vault=made["BondVault"],
        bounties=made["Bounties"],
        court=made["Court"],
        demands=made["Demands"],
        token=made["LearnToken"],
        task=task,
        parameters=parameters,
    )


@pytest.fixture(scope="session")
def bonded(network: Network, miner: Any, verifiers: list[Any]) -> Network:
    """The same, with 10 ETH of bond for the miner and each verifier."""
    network.vault.deposit(Role.MINER, sender=miner, value="10 ether")
    for verifier in verifiers:
        network.vault.deposit(Role.VERIFIER, sender=verifier, value="10 ether")
    return network


@pytest.fixture
def pass_time(chain: Any) -> Callable[[int], None]:
    """Lets L1 time pass, in seconds."""

    def run(seconds: int) -> None:
        chain.pending_timestamp += seconds
        chain.mine()

    return run
