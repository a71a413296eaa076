"""What L1 told is not lost when it could not be written, and what it did not tell is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pol_oracle.explorer.index.reading import IndexReader
from pol_oracle.explorer.keeper import IndexKeeper
from pol_oracle.l1.client import Client
from pol_oracle.l1.events.logs import Log, decode
from pol_oracle.l1.events.typed import BlockProposed
from tests.explorer.stage import FINAL, Story
from tests.explorer.test_index import contents, keeper


@pytest.fixture
def right(story: Story, tmp_path: Path) -> dict[str, list[tuple[object, ...]]]:
    path = tmp_path / "right.sqlite"
    keeper(story, path, []).look()
    return contents(path)


def test_what_did_not_fit_a_full_disk_is_read_again(
    story: Story, tmp_path: Path, right: dict[str, list[tuple[object, ...]]]
) -> None:
    """The monitor tells an event once: whatever could not be written was missing for ever."""
    path = tmp_path / "index.sqlite"
    own = keeper(story, path, [])
    room = own._writer._db
    room.execute(f"PRAGMA max_page_count = {room.execute('PRAGMA page_count').fetchone()[0]}")
    for _ in range(2):
        own.look()
    assert "disk is full" in own.state.trouble
    room.execute("PRAGMA max_page_count = 100000")
    own.look()
    assert (own.state.trouble, own.state.notice, own.state.ready) == ("", "", True)
    assert contents(path) == right


def forgets(logs: list[Log]) -> list[Log]:
    """All but the proposal of height 1, which others build on."""
    events = [decode(log) for log in logs]
    return [
        log
        for log, event in zip(logs, events, strict=True)
        if not (isinstance(event, BlockProposed) and event.height == 1)
    ]


def twice(logs: list[Log]) -> list[Log]:
    return [*logs, *logs[-1:]]


@pytest.mark.parametrize("lie", [forgets, twice])
def test_events_that_do_not_add_up_are_said_to_and_read_anew(
    story: Story, tmp_path: Path, right: dict[str, list[tuple[object, ...]]], lie: Callable[[list[Log]], list[Log]]
) -> None:
    path, client = tmp_path / "index.sqlite", Client.connect(story.deployment.rpc, story.deployment)
    own = IndexKeeper(story.deployment, lambda: client, keeper(story, path, [])._writer, IndexReader(path))
    honest = client.logs
    client.logs = lambda first, last: lie(honest(first, last) or [])  # type: ignore[method-assign]
    for _ in range(2):
        own.look()
        assert "do not add up" in own.state.trouble
    client.logs = honest  # type: ignore[method-assign]
    own.look()
    assert (own.state.trouble, own.state.ready) == ("", True)
    assert contents(path) == right


def test_an_index_that_events_do_not_fit_is_made_anew(
    story: Story, tmp_path: Path, right: dict[str, list[tuple[object, ...]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pol_oracle.explorer.keeper.REACH", 5)  # L1 blocks: what is missing lies below them
    path = tmp_path / "index.sqlite"
    own = keeper(story, path, [])
    own.look()
    with own._writer._db as db:  # as if L1 had never told of it
        db.execute("DELETE FROM blocks WHERE height <= ?", (FINAL,))
    own._monitor = None
    for _ in range(3):
        own.look()
    assert (own.state.notice, own.state.trouble) == ("L1's events did not add up", "")
    assert contents(path) == right


def test_pages_say_so_when_the_keeper_itself_fails(story: Story, tmp_path: Path) -> None:
    own = keeper(story, tmp_path / "index.sqlite", [])
    connect = own._connect

    def broken() -> Client:
        raise AssertionError("a mistake of ours")

    own._connect = broken
    own.look()
    assert "the explorer failed (AssertionError)" in own.state.trouble
    own._connect = connect
    own.look()
    assert (own.state.trouble, own.state.ready) == ("", True)
