"""A page that stays open: explorers are started again, blocks are taken back, readers go back and forth."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pol_oracle.bench.explorer import forest
from pol_oracle.explorer.keeper import IndexState
from pol_oracle.explorer.web import answers
from pol_oracle.explorer.web.app import Explorer
from pol_oracle.explorer.web.live import Live
from pol_oracle.explorer.web.serve import ExplorerServer
from pol_oracle.l1.monitor import Update
from pol_oracle.store.server import bound

SOON_MS = 20_000


class Watched:
    """An explorer of a forest that grows when told, and that can be started again at the same address."""

    def __init__(self, path: Path) -> None:
        self.writer = forest.fill(path, forest.grow(60, 5))
        self._path, self._port = path, 0
        head = forest.book_of(path).reader.head()
        assert head is not None
        self.updates = forest.lengthen(head, forest.book_of(path).state.l1_block)
        self.start(version=1)

    def start(self, version: int) -> None:
        self.state, self.live = replace(forest.book_of(self._path).state, version=version), Live()
        listener = bound("127.0.0.1", self._port)
        self._port = listener.getsockname()[1]
        application = Explorer(forest.book_of(self._path, lambda: self.state), self.live).application()
        self._server = ExplorerServer(application, self.live)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        self.live.tell(self.state)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def tell(self, update: Update) -> None:
        self.writer.apply(update)
        where = IndexState(self.state.version + 1, update.l1_block, update.timestamp, ready=True)
        self.state = where
        self.live.tell(where)

    def grow(self) -> str:
        """Another block; returns its id."""
        update = next(self.updates)
        self.tell(update)
        return f"0x{update.events[0].block_id.hex()}"  # type: ignore[union-attr]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    found = Watched(tmp_path / "index.sqlite")
    yield found
    found.stop()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def shown(block: str) -> str:
    return f"#strip a[href='/block/{block}']"


def test_a_page_is_right_again_when_the_explorer_was_started_again(page: Any, watched: Watched) -> None:
    """Each explorer counts its changes from 0: the same number need not be the same state."""
    page.goto(watched.url)
    page.wait_for_selector(shown(watched.grow()), timeout=SOON_MS)
    version = watched.state.version
    watched.stop()
    page.wait_for_selector("#away:not([hidden])", timeout=SOON_MS)
    update = next(watched.updates)
    watched.writer.apply(update)
    watched.start(version)
    page.wait_for_selector(f"#strip a[href*='{update.events[0].block_id.hex()}']", timeout=SOON_MS)  # type: ignore[union-attr]
    assert page.locator("#away").is_hidden()


def test_a_page_that_a_reader_goes_back_to_follows_again(page: Any, watched: Watched) -> None:
    page.goto(watched.url)
    page.wait_for_selector(shown(watched.grow()), timeout=SOON_MS)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    missed = watched.grow()
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    page.wait_for_selector(shown(missed), timeout=SOON_MS)
    page.wait_for_selector(shown(watched.grow()), timeout=SOON_MS)


def test_the_page_of_a_block_goes_and_comes_with_it(page: Any, watched: Watched) -> None:
    back = watched.state.l1_block
    update = next(watched.updates)
    watched.tell(update)
    page.goto(f"{watched.url}/block/{update.events[0].block_id.hex()}")  # type: ignore[union-attr]
    watched.tell(Update(back, (), back, update.timestamp))
    page.wait_for_selector("#failed", timeout=SOON_MS)
    watched.tell(update)
    page.wait_for_selector("#block-top", timeout=SOON_MS)


def test_the_selection_stays_with_its_block_and_goes_to_the_parent_of_one_that_l1_takes_back(
    page: Any, watched: Watched
) -> None:
    from playwright.sync_api import expect

    said, head = page.locator("#said"), watched.grow()[2:10]
    back, update = watched.state.l1_block, next(watched.updates)
    page.goto(f"{watched.url}/tree")
    page.wait_for_selector("#grown:not([hidden])")
    page.locator("#canvas").press("End")
    expect(said).to_contain_text(f"block {head}, the head")
    watched.tell(update)
    expect(said).not_to_contain_text("the head", timeout=SOON_MS)
    page.locator("#canvas").press("ArrowRight")
    expect(said).to_contain_text(f"block {update.events[0].block_id.hex()[:8]}, the head")  # type: ignore[union-attr]
    watched.tell(Update(back, (), back, update.timestamp))
    expect(said).to_contain_text(f"block {head}, the head", timeout=SOON_MS)


def test_the_view_follows_a_selection_that_goes_to_a_parent(page: Any, watched: Watched) -> None:
    from playwright.sync_api import expect

    said, stays = page.locator("#said"), watched.grow()[2:10]
    back = watched.state
    for _ in range(15):
        watched.grow()
    page.goto(f"{watched.url}/tree")
    page.wait_for_selector("#grown:not([hidden])")
    for key in ("End", *"++++++++"):
        page.locator("#canvas").press(key)
    watched.tell(Update(back.l1_block, (), back.l1_block, back.now))
    expect(said).to_contain_text(f"block {stays}, the head", timeout=SOON_MS)
    assert page.locator("#hint").is_visible()


def test_a_page_that_was_refused_comes_by_itself(page: Any, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(answers, "MOST_WAITING", 0)
        assert page.goto(f"{watched.url}/accounts").status == 503
    page.wait_for_selector("#accounts table", timeout=SOON_MS)


def test_a_change_that_was_refused_is_asked_for_again(
    page: Any, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.goto(watched.url)
    with monkeypatch.context() as patch:
        patch.setattr(answers, "MOST_WAITING", 0)
        with page.expect_response(lambda answer: answer.status == 503):
            block = watched.grow()
    page.wait_for_selector(shown(block), timeout=SOON_MS)
