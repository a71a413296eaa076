"""L1 goes back, away, or leaves things out; the index is damaged or the disk full: pages say so and are right again."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pol_oracle.explorer.index.reading import IndexReader
from pol_oracle.explorer.keeper import IndexKeeper
from pol_oracle.explorer.web.serve import ExplorerConfig
from pol_oracle.fixtures.l1 import L1, PARAMETERS, TASK
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.artifacts import compile_contracts
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.deploy import deploy
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.l1.devnet.ports import free_port
from pol_oracle.l1.events.logs import Log, decode
from pol_oracle.l1.events.typed import BlockProposed
from tests.explorer.conftest import PATIENCE_S, Site, serving
from tests.explorer.stage import FINAL, Story
from tests.explorer.test_index import contents, keeper


@dataclass
class Scene:
    """An L1 that can be stopped, and blocks on it."""

    folder: Path
    port: int
    net: Devnet
    l1: L1
    deployment: Deployment
    proposed: int = 0

    def propose(self) -> bytes:
        """Proposes a block on the head."""
        self.proposed += 1
        block, _ = self.l1.propose(self.l1.header(self.l1.client.head(), self.proposed))
        return block

    def restart(self) -> None:
        self.net = Devnet.start(self.folder, self.port, None, bound=True)
        self.l1.client.rpc.request("anvil_setBlockTimestampInterval", 1)
        self.l1.wait(1)  # its clock goes on where its chain ended

    @contextmanager
    def shown(self, index: Path) -> Iterator[Site]:
        config = ExplorerConfig(self.deployment, self.deployment.rpc, index, index.parent, index.parent / "own", ())
        with serving(config) as site:
            site.until(lambda state: state.ready)
            yield site


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    compile_contracts()
    port = free_port()
    net = Devnet.start(tmp_path / "l1", port, None, bound=True)
    client = Client.connect(net.rpc)
    client.rpc.request("anvil_setBlockTimestampInterval", 1)
    deployment = deploy(client, dev_account(0), TASK, PARAMETERS)
    found = Scene(tmp_path / "l1", port, net, L1(Client.connect(net.rpc, deployment), TASK), deployment)
    found.l1.bond()
    yield found
    found.net.stop()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def shows(site: Site, block: bytes) -> bool:
    status, _, text = site.get(f"/api/block/0x{block.hex()}")
    return status == 200 and block.hex() in text


def test_what_l1_takes_back_goes_and_is_remembered(scene: Scene, tmp_path: Path) -> None:
    with scene.shown(tmp_path / "index.sqlite") as site:
        kept = [scene.propose() for _ in range(3)]
        for _ in range(2):
            scene.l1.wait(1)
        gone = [scene.propose() for _ in range(5)]
        until(lambda: shows(site, gone[-1]))
        scene.l1.client.rpc.request("anvil_reorg", 5, [])
        scene.l1.nonces.clear()
        until(lambda: site.get(f"/block/0x{gone[0].hex()}")[0] == 404)
        assert [site.get(f"/block/0x{block.hex()}")[0] for block in gone] == [404] * 5
        assert all(shows(site, block) for block in kept)
        assert {row[0] for row in site.api("/tree")["lost"]} == {block.hex()[:12] for block in gone}
        assert "L1 took back 5 of its blocks" in site.get("/feed/reorgs.atom")[2]
        after = scene.propose()
        until(lambda: shows(site, after))
        assert site.api("/")["head"]["height"] == 4
    with scene.shown(tmp_path / "fresh.sqlite") as fresh, scene.shown(tmp_path / "index.sqlite") as site:
        assert fresh.api("/blocks") == site.api("/blocks")


def test_l1_may_stop_and_come_back(scene: Scene, tmp_path: Path) -> None:
    with scene.shown(tmp_path / "index.sqlite") as site:
        before = scene.propose()
        until(lambda: shows(site, before))
        scene.net.stop()
        site.until(lambda state: bool(state.trouble))
        assert shows(site, before)
        assert "Not up to date" in site.get("/")[2]
        assert site.get("/healthz")[0] == 503
        scene.restart()
        after = scene.propose()
        until(lambda: shows(site, after) and shows(site, before))
        assert "Not up to date" not in site.get("/")[2]
        assert site.get("/healthz")[0] == 200


def test_streams_end_in_good_order_when_it_stops(scene: Scene, tmp_path: Path) -> None:
    with scene.shown(tmp_path / "index.sqlite") as site:
        connection = HTTPConnection(urlsplit(site.url).netloc, timeout=30)
        connection.request("GET", "/live")
        stream = connection.getresponse()
        assert stream.readline().startswith(b"data:")
    stream.read()  # to its very end: one that was cut off would raise IncompleteRead


def test_an_index_that_is_damaged_while_it_is_used_mends_itself_though_l1_is_quiet(
    scene: Scene, tmp_path: Path
) -> None:
    index = tmp_path / "index.sqlite"
    with scene.shown(index) as site:
        block = scene.propose()
        until(lambda: shows(site, block))
        with sqlite3.connect(index) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with index.open("r+b") as file:
            size = index.stat().st_size
            file.seek(100)
            file.write(b"\xa5" * (size - 100))
        until(lambda: site.get("/blocks?before=7")[0] != 200 or bool(site.keeper.state.notice))
        site.until(lambda state: state.notice == "it was damaged" and state.ready)
        assert shows(site, block)
        assert "the index was made anew: it was damaged" in site.get("/")[2]


def test_an_index_of_an_older_version_is_made_anew_and_says_so(scene: Scene, tmp_path: Path) -> None:
    index = tmp_path / "index.sqlite"
    block = scene.propose()
    with scene.shown(index) as site:
        assert site.keeper.state.notice == ""
    with sqlite3.connect(index) as db:
        db.execute("UPDATE meta SET value = '1' WHERE key = 'version'")
        db.execute("DELETE FROM blocks")
    with scene.shown(index) as site:
        assert shows(site, block)
        assert "the index was made anew: it was of another version" in site.get("/")[2]


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
