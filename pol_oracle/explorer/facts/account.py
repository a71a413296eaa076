"""An account: what it holds, what it won and lost, each with the transaction that it comes from; the leaderboard."""

from __future__ import annotations

import re
from collections import defaultdict

from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.text import ether

from .book import Book
from .common import BlockSummary, Happening, PageFacts, PaymentFacts, payment
from .home import MinerStanding, miners

PAYMENTS, EVENTS, BLOCKS, STANDINGS = 100, 40, 40, 100
_BEFORE = re.compile(r"([0-9]{1,15})\.([0-9]{1,9})")


class BondFacts(PageFacts):
    """A bond in one role; ETH as decimal text."""

    role: str
    free: str
    locked: str


class AccountFacts(PageFacts):
    """An account.

    Attributes:
        credit: ETH that it can collect.
        won, lost: ETH by bounties and fees, and by forfeited bonds.
        learned: LEARN earned.
        disputes_won: slashed blocks of whose bonds or attesters' bonds it got a part.
        disputes_lost: blocks over which it lost a bond.
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


def account(book: Book, address: str, before: str = "") -> AccountFacts:
    """Returns an account; one that never took part is empty.

    Args:
        book: of the chain.
        address: checksummed.
        before: what another page of it gave, to see older payments.
    """
    reader, narrator = book.reader, book.narrator()
    bonds, events = reader.bonds(address), reader.events_of_account(address, EVENTS)
    place = _BEFORE.fullmatch(before)
    entries = reader.ledger(address, PAYMENTS + 1, (int(place[1]), int(place[2])) if place else None)
    older, entries = len(entries) > PAYMENTS, entries[:PAYMENTS]
    mined = next((m for m in miners(book) if m.account == address), None)
    sums = {unit: (won, lost) for _, unit, won, lost in reader.won_and_lost(address)}
    won, lost = sums.get("ETH", (0, 0))
    learned, _ = sums.get("LEARN", (0, 0))
    disputes_won, disputes_lost = reader.disputes_of(address)
    return AccountFacts(
        account=address,
        name=book.names.get(address),
        bonds=[
            BondFacts(role=b.role.name.lower(), free=ether(b.free), locked=ether(b.locked))
            for b in bonds
            if b.role is not None
        ],
        credit=ether(sum(b.credit for b in bonds)),
        won=ether(won),
        lost=ether(lost),
        learned=ether(learned),
        proposed=mined.proposed if mined else 0,
        finalized=mined.finalized if mined else 0,
        slashed=mined.slashed if mined else 0,
        attestations=reader.attestations(address),
        disputes_won=disputes_won,
        disputes_lost=disputes_lost,
        payments=[payment(entry) for entry in entries],
        before=f"{entries[-1].l1_block}.{entries[-1].place}" if older else None,
        blocks=[book.summary(row) for row in reader.mined_by(address, BLOCKS)],
        events=[narrator.tell(event) for event in events],
    )


def leaderboard(book: Book, after: int = 0) -> Leaderboard:
    """Returns accounts, after so many."""
    mined = {m.account: m for m in miners(book)}
    won: dict[tuple[str, str], tuple[int, int]] = {}
    for party, unit, gain, loss in book.reader.won_and_lost():
        won[party, unit] = gain, loss
    roles: dict[str, set[Role]] = defaultdict(set)
    locked: dict[str, int] = defaultdict(int)
    for bond in book.reader.bonds():
        if bond.role is not None:
            roles[bond.account].add(bond.role)
            locked[bond.account] += bond.locked
    total = sum(gain for (_, unit), (gain, _) in won.items() if unit == "LEARN")
    accounts = {party: won.get((party, "LEARN"), (0, 0))[0] for party, _ in won}
    accounts = dict.fromkeys((*mined, *roles), 0) | accounts

    def rank(address: str) -> tuple[int, int, str]:
        gain, loss = won.get((address, "ETH"), (0, 0))
        return -accounts[address], loss - gain, address

    chosen = sorted(accounts, key=rank)
    shown = [
        AccountStanding(
            account=address,
            roles=[role.name.lower() for role in sorted(roles[address])],
            learned=ether(accounts[address]),
            won=ether(won.get((address, "ETH"), (0, 0))[0]),
            lost=ether(won.get((address, "ETH"), (0, 0))[1]),
            locked=ether(locked[address]),
            mined=mined.get(address),
            share=100 * accounts[address] / total if total else 0,
        )
        for address in chosen[after : after + STANDINGS]
    ]
    more = after + STANDINGS if len(chosen) > after + STANDINGS else None
    return Leaderboard(standings=shown, accounts=len(chosen), after=more)
