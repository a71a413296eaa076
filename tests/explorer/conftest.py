"""One chain and one explorer for all tests of this folder."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pol_oracle.explorer.keeper import IndexKeeper, IndexState
from pol_oracle.explorer.web.serve import ExplorerConfig, assemble
from pol_oracle.explorer.workshop import tools
from pol_oracle.l1.contracts.artifacts import compile_contracts
from pol_oracle.store.server import bound
from tests.explorer.browser.tab import running
from tests.explorer.stage import Story, told

PATIENCE_S = 20.0


@dataclass
class Site:
    """A running explorer."""

    url: str
    keeper: IndexKeeper
    index: Path

    def get(self, path: str) -> tuple[int, dict[str, str], str]:
        """Status, headers, and text of an address."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:  # noqa: S310  (our own server)
                return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode()

    def api(self, path: str) -> Any:
        """JSON of a page."""
        return json.loads(self.get("/api" + path)[2])

    def until(self, holds: Callable[[IndexState], bool]) -> IndexState:
        """Waits until the keeper says so."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds(self.keeper.state):
            assert time.monotonic() < deadline, self.keeper.state
            threading.Event().wait(0.02)
        return self.keeper.state


@contextmanager
def serving(config: ExplorerConfig) -> Iterator[Site]:
    """Serves an explorer from a thread of this process."""
    with bound("127.0.0.1", 0) as listener:
        parts = assemble(config)
        server = parts.server()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            with parts:
                parts.workshop.answer(tools.labels, "train")  # it takes its time to begin
                yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", parts.keeper, config.index)
        finally:
            server.should_exit = True
            thread.join(timeout=20)


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The chain; tests may add to it, and take nothing away."""
    compile_contracts()
    with told(tmp_path_factory.mktemp("story")) as happened:
        yield happened


@pytest.fixture(scope="session")
def site(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The explorer of that chain."""
    folder = tmp_path_factory.mktemp("explorer")
    names = {str(story.l1.account(4).address): '<img src=x onerror="alert(1)">'}
    index, own = folder / "index.sqlite", folder / "states"
    config = ExplorerConfig(story.deployment, story.deployment.rpc, index, story.data, own, (), names=lambda: names)
    with serving(config) as found:
        found.until(lambda state: state.ready)
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    with running() as found:
        yield found
