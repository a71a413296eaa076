"""A stage per test, and a tiny task."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.launch import launch
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.task import Workload, build_workload
from pol_oracle.task_file import TaskSpec
from tests.e2e.processes import Processes
from tests.e2e.stage import Mine, Stage


@pytest.fixture
def stage(tmp_path: Path, anvil: str, deployment: Deployment, mine: Callable[..., None]) -> Iterator[Stage]:
    """Agents on a fresh L1 with the synthetic task."""
    it = Stage(tmp_path, anvil, deployment, mine)
    yield it
    it.close()


@pytest.fixture(scope="session")
def spec() -> TaskSpec:
    """The cnn on a few samples, two requirements."""
    return TaskSpec.model_validate(
        {
            "name": "tiny",
            "learning_rate": 0.01,
            "training_steps": 4,
            "data": {"train": 512, "test": 256},
            "chain": {"difficulty_bits": 2},
        }
    )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished data sets."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def workload(cache: Path, spec: TaskSpec) -> Workload:
    """The tiny task, ready to compute with."""
    return build_workload(spec, cache)


@pytest.fixture(scope="session")
def lone(cache: Path, spec: TaskSpec) -> Workload:
    """The tiny task, with a quorum of one."""
    chain = spec.chain.model_copy(update={"quorum": 1})
    return build_workload(spec.model_copy(update={"chain": chain}), cache)


@pytest.fixture
def processes(
    tmp_path: Path, anvil: str, accounts: list[LocalAccount], cache: Path, lone: Workload, mine: Mine
) -> Iterator[Processes]:
    """Bonded accounts 1 (miner) and 2 (verifier) on a real task with a quorum of one."""
    deployment = launch(Client.connect(anvil), accounts[0], lone, [str(tmp_path / "store")])
    stage = Stage(tmp_path, anvil, deployment, mine)
    stage.bond(accounts[1], Role.MINER)
    stage.bond(accounts[2], Role.VERIFIER)
    them = Processes(tmp_path, cache, deployment, stage.client)
    yield them
    them.stop(signal.SIGKILL)
