"""A stage per test, and a tiny task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.task import TaskSpec, Workload, build_workload
from tests.e2e.stage import Stage


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
