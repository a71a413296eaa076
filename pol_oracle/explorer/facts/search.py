"""Whatever somebody typed: an id or its beginning, a height, an address, a transaction, a name."""

from __future__ import annotations

import re

from eth_utils.address import to_checksum_address
from pydantic import Field

from pol_oracle.protocol.text import printable

from ..index.rows import IndexedBlock
from .book import Book
from .common import BlockSummary, Happening, PageFacts, hex0x

LONGEST, SHOWN = 100, 70
SHORTEST_PREFIX = 4
_HEX = re.compile(r"[0-9a-f]{1,64}")


class SearchResult(PageFacts):
    """What a search found.

    Attributes:
        text: what was typed, or its beginning.
        href: where it leads, if it can only mean one thing.
    """

    text: str
    href: str | None = None
    blocks: list[BlockSummary] = Field(default_factory=list)
    accounts: list[str] = Field(default_factory=list)


class TransactionFacts(PageFacts):
    """A transaction of L1: what it did here."""

    tx: str
    l1_block: int | None
    time: int | None
    events: list[Happening]


def search(book: Book, text: str) -> SearchResult:
    """Looks for what was typed."""
    text = text.strip()[:LONGEST]
    shown = printable(text, SHOWN)
    low = text.lower().removeprefix("0x")
    if low in ("head", "final"):
        row = book.reader.head() if low == "head" else book.reader.finalized()
        return SearchResult(text=shown, href="/" if row is None else f"/block/{hex0x(row.id)}")
    accounts = [address for address, name in book.names.items() if text and text.lower() in name.lower()]
    blocks: list[IndexedBlock] = []
    if len(low) == 40 and _HEX.fullmatch(low):
        return SearchResult(text=shown, href=f"/account/{to_checksum_address('0x' + low)}")
    if text.isdecimal() and len(text) < 10:
        blocks = book.reader.at_height(int(text))
    if _HEX.fullmatch(low) and len(low) >= SHORTEST_PREFIX:  # also if it is a height: ids may have decimal digits alone
        blocks += [row for row in book.reader.with_prefix(low, 20) if row not in blocks]
    if not blocks and len(low) == 64 and _HEX.fullmatch(low) and book.reader.events_of_tx(bytes.fromhex(low)):
        return SearchResult(text=shown, href=f"/tx/0x{low}")
    only = f"/block/{hex0x(blocks[0].id)}" if len(blocks) == 1 and not accounts else None
    if len(accounts) == 1 and not blocks:
        only = f"/account/{accounts[0]}"
    return SearchResult(text=shown, href=only, blocks=[book.summary(row) for row in blocks], accounts=accounts)


def transaction(book: Book, tx: bytes) -> TransactionFacts:
    """Returns what a transaction did here."""
    events = book.reader.events_of_tx(tx)
    narrator = book.narrator()
    return TransactionFacts(
        tx=hex0x(tx),
        l1_block=events[0].at.l1_block if events else None,
        time=events[0].at.timestamp if events else None,
        events=[narrator.tell(event) for event in events],
    )
