"""The index: what it says is what L1 says, however it got there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pol_oracle.explorer.index import codec
from pol_oracle.explorer.index.numbers import FREE, LOCKED, Number
from pol_oracle.explorer.index.reading import IndexReader
from pol_oracle.explorer.index.schema import connect, open_index
from pol_oracle.explorer.index.writing import REACH, IndexWriter
from pol_oracle.explorer.keeper import IndexKeeper
from pol_oracle.fixtures.l1 import PARAMETERS, running
from pol_oracle.l1.client import Client
from pol_oracle.l1.events.typed import Event
from pol_oracle.l1.monitor import Monitor, Update
from pol_oracle.l1.sending.journal import Journal
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.view import History
from tests.explorer.stage import FINAL, Story

TABLES = ("events", "parties", "blocks", "heads", "ledger", "moves", "totals", "demands")


@pytest.fixture(scope="module")
def events(story: Story) -> tuple[Event, ...]:
    return Monitor(story.l1.client, 0, 0).poll().events


def genesis(story: Story) -> bytes:
    return bytes.fromhex(story.deployment.genesis_id.removeprefix("0x"))


def writer(story: Story, path: Path) -> IndexWriter:
    return IndexWriter(path, story.deployment.genesis_id, genesis(story))


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    db = connect(path)
    found = {name: sorted(map(tuple, db.execute(f"SELECT * FROM {name}")), key=repr) for name in TABLES}  # noqa: S608
    db.close()
    return found


def update(events: tuple[Event, ...], rollback_to: int | None = None) -> Update:
    last = events[-1].at if events else None
    return Update(rollback_to, events, last.l1_block if last else 0, last.timestamp if last else 0)


@pytest.fixture
def at_once(story: Story, events: tuple[Event, ...], tmp_path: Path) -> dict[str, list[tuple[Any, ...]]]:
    own = writer(story, tmp_path / "whole.sqlite")
    own.apply(update(events))
    own.close()
    return contents(tmp_path / "whole.sqlite")


def test_events_survive_the_way_through_the_index(events: tuple[Event, ...]) -> None:
    assert len({type(event) for event in events}) > 15
    for event in events:
        assert codec.loads(type(event).__name__, codec.dumps(event), event.at) == event


def test_it_says_what_the_agents_view_says(story: Story, events: tuple[Event, ...], tmp_path: Path) -> None:
    own = writer(story, tmp_path / "index.sqlite")
    own.apply(update(events))
    reader, view = IndexReader(tmp_path / "index.sqlite"), History(genesis(story)).update(None, events, 0, 0)
    rows = {row.id: row for row in reader.newest(1000)}
    assert set(rows) == set(view.blocks) - {genesis(story)}
    for block_id, row in rows.items():
        block = view.blocks[block_id]
        assert (row.status, row.height, row.total_work) == (block.status, block.height, block.total_work)
        assert (row.closed_at, row.kind, row.sequence) == (block.closed_at, block.slashed_for, block.sequence)
        assert row.attested == len(block.attestations)
    head, final = reader.head(), reader.finalized()
    assert head is not None and final is not None
    assert (head.id, final.id) == (view.head, view.finalized_tip)
    numbers = reader.numbers()
    bonds = {
        (account, role): (own[FREE[role]], own.get(LOCKED[role], 0))
        for account, own in numbers.items()
        for role in Role
        if FREE[role] in own
    }
    assert bonds == {key: (bond.free, bond.locked) for key, bond in view.bonds.items()}
    credits_ = {account: own[Number.CREDIT] for account, own in numbers.items() if Number.CREDIT in own}
    assert credits_ == view.credits
    assert {row.id for row in reader.disputed()} == {d.block_id for d in view.open_demands}
    assert story.asked in {row.id for row in reader.disputed()}  # and what other tests ask about on this L1
    assert reader.by_status()[Status.FINALIZED] == FINAL


@settings(max_examples=12)
@given(cuts=st.lists(st.floats(0, 1), min_size=1, max_size=4), back=st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_it_is_the_same_however_l1_reorganised_on_the_way(
    story: Story,
    events: tuple[Event, ...],
    tmp_path_factory: pytest.TempPathFactory,
    cuts: list[float],
    back: list[float],
) -> None:
    folder = tmp_path_factory.mktemp("reorgs")
    whole = writer(story, folder / "whole.sqlite")
    whole.apply(update(events))
    own = writer(story, folder / "own.sqlite")
    done = 0
    for cut, depth in zip(sorted(cuts), [*back, *[0.0] * len(cuts)], strict=False):
        end = max(done, int(cut * len(events)))
        while end < len(events) and end and events[end].at.l1_block == events[end - 1].at.l1_block:
            end += 1  # L1 blocks come whole
        own.apply(update(events[done:end]))
        keep = int(depth * events[end - 1].at.l1_block) if end else 0
        done = sum(event.at.l1_block <= keep for event in events)
        own.apply(update((), rollback_to=keep))
    own.apply(update(events[done:]))
    assert contents(folder / "own.sqlite") == contents(folder / "whole.sqlite")


def test_blocks_that_l1_took_back_are_remembered(story: Story, events: tuple[Event, ...], tmp_path: Path) -> None:
    own = writer(story, tmp_path / "index.sqlite")
    own.apply(update(events))
    reader = IndexReader(tmp_path / "index.sqlite")
    last = reader.newest(1)[0]
    own.apply(update((), rollback_to=last.l1_block - 1))
    assert reader.block(last.id) is None
    assert [row[0] for row in reader.lost()] == [last.id]
    assert [(r.above, r.depth > 0) for r in reader.reorgs()] == [(last.l1_block - 1, True)]


@pytest.fixture
def watched(story: Story, tmp_path: Path) -> Iterator[tuple[Path, list[IndexKeeper]]]:
    """Where the index is, and watchers to be closed."""
    made: list[IndexKeeper] = []
    yield tmp_path / "index.sqlite", made


def keeper(story: Story, path: Path, made: list[IndexKeeper]) -> IndexKeeper:
    rpc, found = story.deployment.rpc, story.deployment
    made.append(IndexKeeper(found, lambda: Client.connect(rpc, found), writer(story, path), IndexReader(path)))
    return made[-1]


def blocks(path: Path) -> int:
    return len(IndexReader(path).newest(1000))


@pytest.mark.parametrize("harm", ["empty", "torn", "version", "chain"])
def test_a_file_that_is_of_no_use_is_made_anew(
    story: Story, watched: tuple[Path, list[IndexKeeper]], harm: str, at_once: dict[str, list[tuple[Any, ...]]]
) -> None:
    path, made = watched
    keeper(story, path, made).look()
    made[-1]._writer.close()
    if harm == "empty":
        path.write_bytes(b"")
    elif harm == "torn":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        key = {"version": "version", "chain": "identity"}[harm]
        with sqlite3.connect(path) as db:
            db.execute("UPDATE meta SET value = 'other' WHERE key = ?", (key,))
    again = keeper(story, path, made)
    assert again.state.notice
    again.look()
    assert contents(path) == at_once


@pytest.mark.parametrize("content", ["text", "journal"])
def test_a_file_that_is_no_index_is_left_alone(tmp_path: Path, content: str) -> None:
    """A mistyped path cost a file of the system, an agent's journal would have been worth money."""
    path = tmp_path / "file"
    if content == "text":
        path.write_text("root:x:0:0:root:/root:/bin/bash\n")
    else:
        Journal(path, "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "here").close()
    before = path.read_bytes()

    with pytest.raises(InputError, match="is no index of this explorer: it is left alone"):
        open_index(path, "here")
    assert path.read_bytes() == before


@pytest.mark.parametrize("harm", ["deleted", "replaced"])
def test_a_file_that_is_lost_while_it_is_used_is_made_anew(
    story: Story, watched: tuple[Path, list[IndexKeeper]], harm: str
) -> None:
    path, made = watched
    own = keeper(story, path, made)
    own.look()
    before = blocks(path)
    path.unlink()
    if harm == "replaced":
        path.write_bytes(b"something else")
        for _ in range(2):
            own.look()
            assert "is no index of this explorer: it is left alone" in own.state.trouble
        assert path.read_bytes() == b"something else"
        path.unlink()
    own.look()
    own.look()
    assert (own.state.notice, own.state.ready) == ("it was deleted", True)
    assert blocks(path) == before


def test_a_second_start_goes_on_where_the_first_ended(story: Story, watched: tuple[Path, list[IndexKeeper]]) -> None:
    path, made = watched
    keeper(story, path, made).look()
    before = contents(path)
    made[-1]._writer.close()
    again = keeper(story, path, made)
    again.look()
    assert (again.state.notice, again.state.trouble) == ("", "")
    assert contents(path) == before
    assert IndexReader(path).reorgs() == []


def test_an_l1_that_began_anew_with_the_same_deployment_is_told_from_the_old_one(
    story: Story, watched: tuple[Path, list[IndexKeeper]], at_once: dict[str, list[tuple[Any, ...]]]
) -> None:
    """Anvil gives contracts the same addresses each time, and so the same task the same genesis."""
    path, made = watched
    with running(path.parent / "before", story.workload.task, PARAMETERS) as earlier:
        deployment = earlier.client.deployment
        assert deployment is not None and deployment.genesis_id == story.deployment.genesis_id
        earlier.bond()
        earlier.wait(1)
        gone, _ = earlier.propose(earlier.header(earlier.client.finalized_tip(), 7))
        old = IndexKeeper(deployment, lambda: earlier.client, writer(story, path), IndexReader(path))
        old.look()
        assert IndexReader(path).block(gone) is not None
        old._writer.close()
    again = keeper(story, path, made)
    assert again.state.notice == ""  # the file alone does not tell
    again.look()
    assert (again.state.notice, again.state.trouble) == ("L1 began anew", "")
    assert contents(path) == at_once
    assert IndexReader(path).lost() == [] == IndexReader(path).reorgs()


def test_an_l1_that_begins_anew_while_it_is_watched_is_noticed(
    story: Story, watched: tuple[Path, list[IndexKeeper]], at_once: dict[str, list[tuple[Any, ...]]]
) -> None:
    path, made = watched
    with running(path.parent / "before", story.workload.task, PARAMETERS) as earlier:
        deployment = earlier.client.deployment
        assert deployment is not None
        client = [earlier.client]
        earlier.client.rpc.request("anvil_mine", hex(2 * REACH + story.l1.client.latest().number))
        for _ in range(2):  # the second one begins far above the deployment, where the other L1 has no block yet
            own = IndexKeeper(deployment, lambda: client[0], writer(story, path), IndexReader(path))
            own.look()
            assert own.state.ready
        made.append(own)
    client[0] = story.l1.client
    own._monitor._client = story.l1.client  # type: ignore[union-attr]
    for _ in range(3):
        own.look()
    assert (own.state.notice, own.state.trouble) == ("L1 began anew", "")
    assert contents(path) == at_once


def test_bonds_have_their_roles(story: Story, events: tuple[Event, ...], tmp_path: Path) -> None:
    own = writer(story, tmp_path / "index.sqlite")
    own.apply(update(events))
    account = story.l1.account(2).address
    numbers = IndexReader(tmp_path / "index.sqlite").numbers(account)[account]
    assert [role for role in Role if numbers.get(FREE[role])] == [Role.VERIFIER]
