"""A small real task that ``pol deploy`` deployed, and what a right block of it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pol_oracle.fixtures.l1 import L1, MINER
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.search import Base, Job, Proof, search_for
from pol_oracle.task import Workload, build_workload, train_segment
from pol_oracle.task_file import load_spec
from tests.cli.conftest import Pol
from tests.cli.real_task.blocks import TASK, Ground, deployed


@pytest.fixture(scope="session")
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
