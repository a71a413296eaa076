"""What pages say of a long chain: sums over everything, lists in pages, one moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pol_oracle.bench.explorer import forest
from pol_oracle.explorer.facts.account import account, leaderboard
from pol_oracle.explorer.facts.block import block
from pol_oracle.explorer.facts.book import Book
from pol_oracle.explorer.facts.dispute import demands_of, disputes
from pol_oracle.explorer.facts.home import home
from pol_oracle.explorer.facts.search import search
from pol_oracle.explorer.index.reading import END
from pol_oracle.explorer.index.schema import _Wei, connect
from pol_oracle.explorer.index.writing import IndexWriter
from pol_oracle.explorer.keeper import IndexState
from pol_oracle.explorer.web.asked import place
from pol_oracle.l1.events.typed import (
    Attested,
    Awarded,
    BlockFinalized,
    BlockSlashed,
    Credited,
    Demanded,
    Deposited,
    Event,
    Forfeited,
    Locked,
    Unlocked,
)
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from pol_oracle.protocol.positions import Item, Position, Tree
from pol_oracle.protocol.text import ether

PARTY, BIG = forest.MINERS[3], 10**21  # an amount that no 64 bits hold
OTHER = "0x" + "77" * 20


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("forest") / "index.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forest, "MINERS", (PARTY, PARTY))
        forest.fill(found, forest.grow(1500, 300)).close()
    yield found


@pytest.fixture
def book(path: Path) -> Book:
    return forest.book_of(path)


def test_sums_of_an_account_are_of_all_it_ever_got(tmp_path: Path) -> None:
    *events, last = forest.grow(20, 0)
    moved: list[Event] = [Credited(OTHER, BIG, last.at), Forfeited(OTHER, Role.MINER, 1, 1, last.at)] * 3000
    late = forest.mined(last.at.l1_block + 1, moved)
    forest.fill(tmp_path / "index.sqlite", [*events, last, *late]).close()
    said = account(forest.book_of(tmp_path / "index.sqlite"), OTHER)
    assert said.won == str(3000 * BIG // 10**18)
    assert said.lost == "0.000000000000003"
    assert (said.learned, said.disputes_won) == ("0", 0)


def test_all_payments_of_an_account_can_be_paged_through(path: Path, book: Book) -> None:
    (count,) = connect(path).execute("SELECT count(*) FROM ledger WHERE party = ?", (PARTY,)).fetchone()
    seen, before = [], END
    while True:
        said = account(book, PARTY, before)
        seen += said.payments
        if said.before is None:
            break
        before = place({"before": said.before}, "before")
    assert len(seen) == count > 1000
    assert [p.l1_block for p in seen] == sorted((p.l1_block for p in seen), reverse=True)
    assert place({"before": "nonsense"}, "before") == END


def test_all_accounts_can_be_paged_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forest.fill(tmp_path / "index.sqlite", forest.grow(200, 20)).close()
    book = forest.book_of(tmp_path / "index.sqlite")
    every = leaderboard(book)
    assert every.after is None
    monkeypatch.setattr("pol_oracle.explorer.facts.account.STANDINGS", 3)
    seen, after = [], 0
    while True:
        said = leaderboard(book, after)
        seen += said.standings
        if said.after is None:
            break
        after = said.after
    assert seen == every.standings
    assert len(seen) == every.accounts == len(forest.MINERS)
    assert leaderboard(book, 10**15).standings == []


def test_the_next_block_of_a_miner_is_found_however_many_follow(book: Book) -> None:
    rows = book.reader.tree()
    first, second = (book.reader.block(row.id) for row in rows[:2])
    assert first is not None and second is not None
    following = block(book, first).next_of_miner
    assert following is not None and following.id == "0x" + second.id.hex()
    last = book.reader.block(rows[-1].id)
    assert last is not None
    assert block(book, last).next_of_miner is None


def test_all_that_ever_fell_is_counted_and_can_be_paged_through(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pol_oracle.explorer.facts.dispute.FALLEN", 7)
    every = {row.id.hex() for row in book.reader.tree() if row.status == 3}
    assert len(every) > 20
    seen, before = list[str](), None
    while True:
        said = disputes(book, before)
        assert sum(said.kinds.values()) == len(every)
        seen += [row.id[2:] for row in said.fallen]
        if (before := said.before) is None:
            break
    assert len(seen) == len(every) and set(seen) == every


def test_an_id_of_decimal_digits_is_found(book: Book) -> None:
    ids = [row.id.hex() for row in book.reader.tree()]
    short = next(one for one in ids if one[:5].isdecimal())
    found = search(book, short[:5])
    assert f"0x{short}" in (found.href or "").split("/") + [row.id for row in found.blocks]


def test_a_height_that_begins_an_id_as_well_finds_both(book: Book) -> None:
    ids = [row.id.hex() for row in book.reader.tree()]
    text = next(one[:4] for one in ids if one[:4].isdecimal() and 1000 <= int(one[:4]) <= 1200)
    found = search(book, text)
    assert found.href is None
    assert found.blocks[0].height == int(text)
    assert any(row.id[2:].startswith(text) for row in found.blocks)


def grown() -> tuple[list[Event], BlockFinalized]:
    """A small chain, and the end of its last block."""
    events = list(forest.grow(20, 0))
    return events, [event for event in events if isinstance(event, BlockFinalized)][-1]


def test_many_attestations_do_not_hide_how_a_block_ended(tmp_path: Path) -> None:
    events, last = grown()
    where = last.at
    crowd = [Attested(last.block_id, f"0x{n:040x}", replace(where, log_index=100 + n)) for n in range(3000)]
    end = BlockSlashed(last.block_id, last.miner, EvidenceKind.STEP, replace(where, log_index=5000))
    forest.fill(tmp_path / "index.sqlite", [*events, *crowd, end]).close()
    book = forest.book_of(tmp_path / "index.sqlite")
    row = book.reader.block(last.block_id)
    assert row is not None
    said = block(book, row)
    assert said.life[-1].kind == "BlockSlashed"
    assert said.life[0].kind == "BlockProposed"
    assert said.block.attested > 3000 > len(said.attesters) > 100


def test_many_demands_make_no_page_endless(tmp_path: Path) -> None:
    """Whoever pays for them can ask for thousands of parts of a block."""
    events, last = grown()
    places = [replace(last.at, log_index=100 + n) for n in range(2500)]
    crowd = [
        Demanded(last.block_id, n.to_bytes(32), PARTY, Position(Item.ROOTS, Tree.BEFORE, n), 0, n, at)
        for n, at in enumerate(places)
    ]
    end = BlockSlashed(last.block_id, last.miner, EvidenceKind.STEP, replace(last.at, log_index=5000))
    forest.fill(tmp_path / "index.sqlite", [*events, *crowd, end]).close()
    book = forest.book_of(tmp_path / "index.sqlite")
    row = book.reader.block(last.block_id)
    assert row is not None
    assert block(book, row).life[-1].kind == "BlockSlashed"
    assert 100 < len(demands_of(book.reader.events_of_block(row.id))) < 2500


def test_bonds_are_not_added_up_anew_for_each_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of 10,000 blocks has moved bonds 60,000 times: the front page took 75 ms for their sums alone."""
    *events, last = (e for e in forest.grow(20, 0) if not isinstance(e, Deposited | Locked | Unlocked | Awarded))
    moves = list[Deposited | Locked | Unlocked]()
    for n in range(900):
        at = replace(last.at, log_index=100 + n)
        kind = (Deposited, Locked, Unlocked)[n % 3]
        moves.append(kind(PARTY, Role.MINER, BIG + n, at))
    forest.fill(tmp_path / "index.sqlite", [*events, last, *moves]).close()
    added = list[str | None]()
    monkeypatch.setattr(_Wei, "step", lambda self, value: added.append(value))
    book = forest.book_of(tmp_path / "index.sqlite")
    said = home(book)
    assert added == []
    free = sum(-move.amount if isinstance(move, Locked) else move.amount for move in moves)
    assert said.stake.free == ether(free)


def test_a_page_is_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = list(forest.grow(40, 5))
    cut = next(at for at, event in enumerate(events) if event.at.l1_block == 30)
    writer = forest.fill(tmp_path / "index.sqlite", iter(events[:cut]))
    book = forest.book_of(tmp_path / "index.sqlite")
    real, rest = book.reader.tree, [events[cut:]]

    def meanwhile() -> object:
        found = real()
        if rest:
            writer.apply(forest.update(rest.pop()))
        return found

    monkeypatch.setattr(book.reader, "tree", meanwhile)
    with book.moment():
        tree, said = book.snapshot(), home(book)
        assert {head for _, head in tree.heads} <= {row.id for row in tree.rows} | {forest.GENESIS}
        assert said.head is not None and said.head.height == max(row.height for row in tree.rows)
        assert sum(said.counts.values()) == len(tree.rows)
    assert len(book.snapshot().rows) == 40
    writer.close()


def test_a_page_never_claims_to_be_newer_than_it_is(path: Path) -> None:
    states = iter(range(1, 100))
    book = forest.book_of(path, lambda: IndexState(version=next(states), ready=True))
    with book.moment():
        assert book.state.version == book.state.version == 1
    assert book.state.version == 2


def test_a_tree_that_is_kept_up_is_the_one_that_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    updates = list(forest.pieces(forest.grow(200, 40), 7))
    writer = IndexWriter(path, "forest", forest.GENESIS)
    writer.apply(updates[0])
    book = forest.book_of(path)
    for number, update in enumerate(updates[1:], 1):
        writer.apply(update)
        if number % 9 == 0:  # L1 takes some back, and brings it again
            back = update.l1_block - 5
            again = tuple(e for one in updates[: number + 1] for e in one.events if e.at.l1_block > back)
            writer.apply(replace(update, rollback_to=back, events=again))
        if number % 2:
            continue
        kept, anew = book.snapshot(), forest.book_of(path).snapshot()
        assert (kept.rows, kept.heads) == (anew.rows, anew.heads)
        assert kept.lanes == anew.lanes
    assert len(book.snapshot().rows) == 200
    writer.close()
