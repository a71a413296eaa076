"""Every number of an account leads to all the transactions that it is made of."""

from __future__ import annotations

import itertools
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pol_oracle.bench.explorer import forest
from pol_oracle.explorer.facts import account as module
from pol_oracle.explorer.facts.account import AccountFacts, MoveFacts, account, number_of
from pol_oracle.explorer.facts.book import Book
from pol_oracle.explorer.index.numbers import Number
from pol_oracle.explorer.index.reading import END
from pol_oracle.explorer.web.asked import place
from tests.explorer.conftest import Site
from tests.explorer.stage import Story


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    path = tmp_path_factory.mktemp("numbers") / "index.sqlite"
    forest.fill(path, forest.grow(400, 100)).close()
    return forest.book_of(path)


def said(facts: AccountFacts) -> dict[Number, str]:
    """Every number of an account's page."""
    bonds = {f"{bond.role}-{part}": getattr(bond, part) for bond in facts.bonds for part in ("free", "locked")}
    own = (number for number in Number if number.value.partition("-")[0] not in ("miner", "verifier"))
    return {number: str(getattr(facts, number.replace("-", "_"))) for number in own} | {
        Number(name): text for name, text in bonds.items()
    }


def moves(book: Book, address: str, number: Number) -> list[MoveFacts]:
    found, before = list[MoveFacts](), END
    while True:
        page = number_of(book, address, number, before)
        assert len(page.moves) <= module.MOVES
        found += page.moves
        if page.before is None:
            return found
        before = place({"before": page.before}, "before")


def test_the_transactions_of_every_number_add_up(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOVES", 13)
    moved = set[Number]()
    for address in forest.MINERS:
        for number, text in said(account(book, address)).items():
            rows = moves(book, address, number)
            assert sum(Decimal(row.amount) for row in rows) == Decimal(text) == Decimal((rows or [ZERO])[0].total)
            for later, earlier in itertools.pairwise([*rows, ZERO]):
                assert Decimal(earlier.total) + Decimal(later.amount) == Decimal(later.total)
            moved |= {number} if rows else set()
    assert moved == set(Number)  # bonds, credits, rewards, fees, disputes, slashes: the forest has them all


ZERO = MoveFacts(amount="0", total="0", words=[], l1_block=0, time=0, tx="")


def test_a_move_names_its_reason_or_what_its_transaction_is_about(book: Book) -> None:
    winner = forest.VERIFIERS[0]
    (won, *_) = moves(book, winner, Number.WON)
    assert won.words[0].text.startswith("proved block") and won.words[0].href.startswith("/block/0x")
    locked = moves(book, winner, Number.VERIFIER_LOCKED)[-1]
    assert [part.href.partition("/0x")[0] for part in locked.words if part.href] == ["/account", "/block"]
    assert "were locked, for block" in "".join(part.text for part in locked.words)


def test_disputes_and_slashes_are_told_by_those_who_were_in_them(book: Book) -> None:
    fallen = {row.id.hex() for row in book.reader.slashed(1000)}
    assert len(fallen) > 3
    won = moves(book, forest.VERIFIERS[0], Number.DISPUTES_WON)
    lost = [row for miner in forest.MINERS for row in moves(book, miner, Number.DISPUTES_LOST)]
    for rows in (won, lost):
        named = [part.href.rpartition("0x")[2] for row in rows for part in row.words if "/block/" in part.href]
        assert sorted(named) == sorted(fallen)


class Links(HTMLParser):
    """Links of a page, and the cells of its tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links, self.cells, self._in = list[tuple[str, str]](), list[str](), ""
        self.next = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        own = dict(attributes)
        self._in = tag
        if tag == "a":
            self.links.append((own.get("href") or "", ""))
            self.next = (own.get("href") or "") if own.get("rel") == "next" else self.next
        elif tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, text: str) -> None:
        if self._in == "a" and self.links:
            self.links[-1] = (self.links[-1][0], self.links[-1][1] + text.strip())
        elif self._in == "td":
            self.cells[-1] += text.strip()


def test_whoever_follows_a_number_of_a_page_finds_what_adds_up_to_it(site: Site, story: Story) -> None:
    """On a chain of the real contracts, as a reader would: by the links alone."""
    followed = set[str]()
    for dev in range(5):
        home = f"/account/{story.l1.account(dev).address}"
        for href, text in Links(site.get(home)[2]).links:
            number = href.removeprefix(f"{home}/")
            if number == href or not text:
                continue
            followed.add(number)
            seen, path = Decimal(0), href
            while path:
                status, _, body = site.get(path)
                assert status == 200, path
                page = Links(body)
                seen += sum(Decimal(amount.replace("−", "-")) for amount in page.cells[::5])
                path = page.next
                assert all(site.get(to)[0] == 200 for to, _ in page.links if to.startswith("/tx/"))
            assert float(seen) == pytest.approx(float(text.replace("\u202f", "")), abs=0.005), href
    assert followed == set(Number)


def test_what_is_no_number_is_missing(site: Site, story: Story) -> None:
    home = f"/account/{story.l1.account(1).address}"
    status, _, text = site.get(f"/api{home}/luck")
    assert status == 404
    assert "no such number of an account: there are learned, won, lost" in text
    assert site.get("/account/0x12/won")[0] == 404


def test_a_number_is_the_same_in_json(site: Site, story: Story) -> None:
    home = f"/account/{story.l1.account(1).address}"
    facts, number = site.api(home), site.api(f"{home}/learned")
    assert (number["total"], number["unit"]) == (facts["learned"], "LEARN")
    assert {move["tx"] for move in number["moves"]} == {p["tx"] for p in facts["payments"] if p["unit"] == "LEARN"}


def test_numbers_of_an_account_that_never_took_part_are_nothing(book: Book, tmp_path: Path) -> None:
    nobody = "0x" + "ab" * 20
    for number in Number:
        facts = number_of(book, nobody, number)
        assert (facts.total, facts.moves, facts.before) == ("0", [], None)
