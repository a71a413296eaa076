"""An account: what it holds, won and lost, and all the transactions each number is made of; the leaderboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.text import ether

from ..index.numbers import FREE, LOCKED, Number
from ..index.reading import END, Place
from ..index.rows import IndexedMove
from .book import Book
from .common import BlockSummary, Happening, PageFacts, Part, PaymentFacts, cursor, hex0x, payment
from .home import MinerStanding, standing
from .words import Narrator

PAYMENTS, MOVES, EVENTS, BLOCKS, STANDINGS = 100, 100, 40, 40, 100
Numbers = Mapping[Number, int]
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


class BondFacts(PageFacts):
    """A bond in one role; ETH as decimal text."""

    role: str
    free: str
    locked: str


class AccountFacts(PageFacts):
    """An account. Where each of its numbers comes from is told by :func:`number_of`.

    Attributes:
        credit: ETH that it can collect.
        won, lost: ETH by bounties and fees, and by forfeited bonds.
        learned: LEARN earned.
        disputes_won: slashed blocks that it proved wrong, or was the first to contest, and got part of the bond for.
        disputes_lost: bonds that it lost over wrong blocks: as their miner, as an attester, or as miner of one above.
        payments: newest first; ``before`` asks for older ones, None if there are none.
        blocks, events: the newest.
    """

    account: str
    name: str | None
    bonds: list[BondFacts]
    credit: str
    won: str
    lost: str
    learned: str
    proposed: int
    finalized: int
    slashed: int
    attestations: int
    disputes_won: int
    disputes_lost: int
    payments: list[PaymentFacts]
    before: str | None
    blocks: list[BlockSummary]
    events: list[Happening]


class AccountStanding(PageFacts):
    """A row of the leaderboard."""

    account: str
    roles: list[str]
    learned: str
    won: str
    lost: str
    locked: str
    mined: MinerStanding | None
    share: float


class Leaderboard(PageFacts):
    """Accounts that ever had a bond, a block or a reward, the most LEARN first; ``after`` asks for the next ones."""

    standings: list[AccountStanding]
    accounts: int
    after: int | None


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


def account(book: Book, address: str, before: Place = END) -> AccountFacts:
    """Returns an account; one that never took part is empty.

    Args:
        book: of the chain.
        address: checksummed.
        before: place of the last payment that is known, to see older ones.
    """
    reader, narrator = book.reader, book.narrator()
    numbers = reader.numbers(address).get(address, {})
    entries = reader.ledger(address, PAYMENTS + 1, before)
    older, entries = len(entries) > PAYMENTS, entries[:PAYMENTS]
    return AccountFacts(
        account=address,
        name=book.names.get(address),
        bonds=[_bond(role, numbers) for role in _roles(numbers)],
        credit=ether(numbers.get(Number.CREDIT, 0)),
        won=ether(numbers.get(Number.WON, 0)),
        lost=ether(numbers.get(Number.LOST, 0)),
        learned=ether(numbers.get(Number.LEARNED, 0)),
        proposed=numbers.get(Number.PROPOSED, 0),
        finalized=numbers.get(Number.FINALIZED, 0),
        slashed=numbers.get(Number.SLASHED, 0),
        attestations=numbers.get(Number.ATTESTATIONS, 0),
        disputes_won=numbers.get(Number.DISPUTES_WON, 0),
        disputes_lost=numbers.get(Number.DISPUTES_LOST, 0),
        payments=[payment(entry) for entry in entries],
        before=cursor(entries[-1].l1_block, entries[-1].log_index) if older else None,
        blocks=[book.summary(row) for row in reader.mined_by(address, BLOCKS)],
        events=[narrator.tell(event) for event in reader.events_of_account(address, EVENTS)],
    )


def _roles(numbers: Numbers) -> list[Role]:
    return [role for role in Role if FREE[role] in numbers]  # whatever is locked was free before


def _bond(role: Role, numbers: Numbers) -> BondFacts:
    free, locked = numbers.get(FREE[role], 0), numbers.get(LOCKED[role], 0)
    return BondFacts(role=role.name.lower(), free=ether(free), locked=ether(locked))


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


def leaderboard(book: Book, after: int = 0) -> Leaderboard:
    """Returns accounts, after so many."""
    every = book.reader.numbers()
    learned = sum(numbers.get(Number.LEARNED, 0) for numbers in every.values())
    final = sum(numbers.get(Number.FINALIZED, 0) for numbers in every.values())

    def rank(address: str) -> tuple[int, int, str]:
        numbers = every[address]
        return -numbers.get(Number.LEARNED, 0), numbers.get(Number.LOST, 0) - numbers.get(Number.WON, 0), address

    chosen = sorted(every, key=rank)
    shown = [_standing(address, every[address], learned, final) for address in chosen[after : after + STANDINGS]]
    more = after + STANDINGS if len(chosen) > after + STANDINGS else None
    return Leaderboard(standings=shown, accounts=len(chosen), after=more)


def _standing(address: str, numbers: Numbers, learned: int, final: int) -> AccountStanding:
    """A row of the leaderboard; ``learned`` and ``final`` are those of all accounts together."""
    own = numbers.get(Number.LEARNED, 0)
    return AccountStanding(
        account=address,
        roles=[role.name.lower() for role in _roles(numbers)],
        learned=ether(own),
        won=ether(numbers.get(Number.WON, 0)),
        lost=ether(numbers.get(Number.LOST, 0)),
        locked=ether(sum(numbers.get(number, 0) for number in LOCKED.values())),
        mined=standing(address, numbers, final) if Number.PROPOSED in numbers else None,
        share=100 * own / learned if learned else 0,
    )
