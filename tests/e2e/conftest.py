"""A stage per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pol_oracle.chain.deployment import Deployment
from tests.e2e.stage import Stage


@pytest.fixture
def stage(tmp_path: Path, anvil: str, deployment: Deployment, mine: Callable[..., None]) -> Iterator[Stage]:
    """Agents on a fresh L1 with the synthetic task."""
    it = Stage(tmp_path, anvil, deployment, mine)
    yield it
    it.close()
