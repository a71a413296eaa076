"""A store that is served."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pol_oracle.store import StateStore
from pol_oracle.store.server import application
from tests.store.hostile import serving
from tests.store.states import DATA, ROOT


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("served")
    StateStore([folder]).put(ROOT, DATA)
    with serving(application(folder)) as url:
        yield folder, url
