"""A number of an account: every transaction that changed it, and what it came to by each."""

from __future__ import annotations

from typing import Literal

from pol_oracle.protocol.text import ether

from ..index.numbers import Number
from ..index.reading import END, Place
from ..index.rows import IndexedMove
from .book import Book
from .common import PageFacts, Part, cursor, hex0x
from .words import Narrator

MOVES = 100
_TITLES = {
    Number.LEARNED: "LEARN earned",
    Number.WON: "ETH won",
    Number.LOST: "ETH lost",
    Number.MINER_FREE: "Free bond as miner",
    Number.MINER_LOCKED: "Locked bond as miner",
    Number.VERIFIER_FREE: "Free bond as verifier",
    Number.VERIFIER_LOCKED: "Locked bond as verifier",
    Number.CREDIT: "Credit to collect",
    Number.PROPOSED: "Blocks proposed",
    Number.FINALIZED: "Blocks that became final",
    Number.SLASHED: "Blocks that were slashed",
    Number.ATTESTATIONS: "Attestations",
    Number.DISPUTES_WON: "Disputes won",
    Number.DISPUTES_LOST: "Bonds lost over wrong blocks",
}
_COUNTS = frozenset(
    (Number.PROPOSED, Number.FINALIZED, Number.SLASHED, Number.ATTESTATIONS, Number.DISPUTES_WON, Number.DISPUTES_LOST)
)


class MoveFacts(PageFacts):
    """A change of a number.

    Attributes:
        amount: by how much, as exact decimal text; negative where it fell.
        total: what it came to.
        words: what happened.
    """

    amount: str
    total: str
    words: list[Part]
    l1_block: int
    time: int
    tx: str


class NumberFacts(PageFacts):
    """A number of an account.

    Attributes:
        total: what it is: the sum of all its moves.
        unit: ETH or LEARN; "" of what is counted.
        moves: newest first; ``before`` asks for older ones, None if there are none.
    """

    account: str
    name: str | None
    number: Number
    title: str
    total: str
    unit: Literal["ETH", "LEARN", ""]
    moves: list[MoveFacts]
    before: str | None


def number_of(book: Book, address: str, number: Number, before: Place = END) -> NumberFacts:
    """Returns what a number of an account is made of.

    Args:
        book: of the chain.
        address: checksummed.
        number: which.
        before: place of the last move that is known, to see older ones.
    """
    reader, narrator = book.reader, book.narrator()
    moves = reader.moves(address, number, MOVES + 1, before)
    older, moves = len(moves) > MOVES, moves[:MOVES]
    counted = number in _COUNTS
    blocks = reader.blocks_of([move.event.at.tx_hash for move in moves if move.about is None])
    return NumberFacts(
        account=address,
        name=book.names.get(address),
        number=number,
        title=_TITLES[number],
        total=_text(reader.numbers(address).get(address, {}).get(number, 0), counted),
        unit="" if counted else "LEARN" if number is Number.LEARNED else "ETH",
        moves=[_move(move, narrator, blocks.get(move.event.at.tx_hash), counted) for move in moves],
        before=cursor(moves[-1].event.at.l1_block, moves[-1].event.at.log_index) if older else None,
    )


def _move(move: IndexedMove, narrator: Narrator, block: bytes | None, counted: bool) -> MoveFacts:
    """A move; ``block`` is the one that its transaction is about, though its event does not say so."""
    at = move.event.at
    if move.reason is not None:
        words = [Part(text=move.reason, href="" if move.about is None else f"/block/{hex0x(move.about)}")]
    else:
        words = narrator.tell(move.event).words
        if move.about is None and block is not None:
            words = [*words, Part(text=", for "), narrator.block(block)]
    return MoveFacts(
        amount=_text(move.amount, counted),
        total=_text(move.total, counted),
        words=words,
        l1_block=at.l1_block,
        time=at.timestamp,
        tx=hex0x(at.tx_hash),
    )


def _text(value: int, counted: bool) -> str:
    return str(value) if counted else ether(value)
