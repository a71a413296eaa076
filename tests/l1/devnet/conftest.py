"""A folder for devnets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pol_oracle.l1.devnet.anvil import Devnet


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a space in its name; what runs in it is stopped in any case."""
    path = tmp_path / "dev net"
    yield path
    Devnet(path).stop()
