"""The arena: a tiny real task deployed once, and one right block of the cheat's to make wrong ones of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.launch import launch
from pol_oracle.protocol.difficulty import to_bits
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.task import Workload, build_workload
from pol_oracle.task_file import TaskSpec
from tests.adversaries.arena import DIFFICULTY, Arena
from tests.adversaries.forging import Forgery, honest
from tests.e2e.stage import STAKE, Stage
from tests.transactions import sent

COLLUDERS = 9


@pytest.fixture(scope="session")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    """The cnn on few samples: the accuracy tree has three leaves, so some node lacks a sibling."""
    spec = {
        "name": "arena",
        "learning_rate": 0.01,
        "training_steps": 4,
        "data": {"train": 512, "test": 600},
        "chain": {
            "difficulty_bits": to_bits(DIFFICULTY),
            "challenge_window": 60,
            "answer_window": 12,
            "reveal_window": 4,
            "quorum": 1,
        },
    }
    return build_workload(TaskSpec.model_validate(spec), tmp_path_factory.mktemp("data"))


def deployed(
    rpc: str, deployer: LocalAccount, colluders: list[LocalAccount], workload: Workload, store: Path
) -> Deployment:
    """The contracts with a task; nine colluders are bonded."""
    deployment = launch(Client.connect(rpc), deployer, workload, [str(store)])
    client = Client.connect(rpc, deployment)
    deposit = client.request_for("BondVault", "deposit", (int(Role.VERIFIER),), STAKE)
    for colluder in colluders:
        sent(client, colluder.address, deposit)
    return deployment


@pytest.fixture(scope="session")
def colluders(accounts: list[LocalAccount]) -> list[LocalAccount]:
    """Nine accounts that attest to whatever the cheat proposes."""
    return accounts[3 : 3 + COLLUDERS]


@pytest.fixture(scope="session")
def arena_deployment(
    devnet: Devnet,
    accounts: list[LocalAccount],
    colluders: list[LocalAccount],
    workload: Workload,
    tmp_path_factory: pytest.TempPathFactory,
) -> Deployment:
    """The contracts with that task.

    Their deployer deploys nothing else: ids, and what is drawn from them, do not depend on which tests ran before.
    """
    return deployed(devnet.rpc, accounts[12], colluders, workload, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def made(arena_deployment: Deployment, workload: Workload, accounts: list[LocalAccount]) -> Forgery:
    """A right block of the cheat's, on genesis."""
    genesis = bytes.fromhex(arena_deployment.genesis_id[2:])
    return honest(workload, genesis, accounts[1].address, DIFFICULTY)


@pytest.fixture
def arena(
    arena_deployment: Deployment,
    made: Forgery,
    workload: Workload,
    accounts: list[LocalAccount],
    colluders: list[LocalAccount],
    tmp_path: Path,
    anvil: str,
    mine: Callable[..., None],
) -> Iterator[Arena]:
    """An arena on an L1 of its own."""
    stage = Stage(tmp_path, anvil, arena_deployment, mine)
    yield Arena(stage, workload, made, accounts[1], accounts[2], colluders)
    stage.close()
