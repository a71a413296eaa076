"""The tree of blocks as it is, and how it grew: columns of numbers, for the page to draw."""

from __future__ import annotations

from .book import Book
from .common import PageFacts

_ID_DIGITS = 12  # enough to tell blocks apart, and to lead to their pages


class TreeFacts(PageFacts):
    """One entry per block in each column, in L1 order.

    Attributes:
        now: L1 time in seconds; all other times count from ``since``.
        since: L1 time of the first proposal.
        id: the first hex digits of each block's id.
        parent: place of its parent, -1 for genesis.
        height: of it.
        lane: 0 for the head's branch, else the row beside it.
        miner: place in ``miners``.
        proposed: when.
        closed: when it was finalized, slashed or orphaned; -1 while it is pending.
        status: 1 pending, 2 finalized, 3 slashed, 4 orphaned.
        correct: test samples that W' classifies correctly.
        miners: their addresses.
        heads: [when, place] of each change of the head.
        lost: [id, place of the parent, height, when proposed, when lost] of blocks that L1 took back.
        reorgs: [when, how many L1 blocks].
    """

    now: int
    since: int
    test_count: int
    id: list[str]
    parent: list[int]
    height: list[int]
    lane: list[int]
    miner: list[int]
    proposed: list[int]
    closed: list[int]
    status: list[int]
    correct: list[int]
    miners: list[str]
    heads: list[tuple[int, int]]
    lost: list[tuple[str, int, int, int, int]]
    reorgs: list[tuple[int, int]]


def tree(book: Book) -> TreeFacts:
    """Returns the whole tree."""
    snapshot = book.snapshot()
    rows = snapshot.rows
    since = rows[0].proposed_at if rows else book.state.now
    miners = list(dict.fromkeys(row.miner for row in rows))
    place = {miner: number for number, miner in enumerate(miners)}
    lost = book.reader.lost()
    return TreeFacts(
        now=book.state.now - since,
        since=since,
        test_count=book.test_count,
        id=[row.id.hex()[:_ID_DIGITS] for row in rows],
        parent=snapshot.parents,
        height=[row.height for row in rows],
        lane=snapshot.lanes,
        miner=[place[row.miner] for row in rows],
        proposed=[row.proposed_at - since for row in rows],
        closed=[-1 if row.closed_at is None else row.closed_at - since for row in rows],
        status=[row.status for row in rows],
        correct=[row.correct_after for row in rows],
        miners=miners,
        heads=[(at - since, snapshot.places.get(block, -1)) for at, block in snapshot.heads],
        lost=[(i.hex()[:_ID_DIGITS], snapshot.places.get(p, -1), h, a - since, b - since) for i, p, h, a, b in lost],
        reorgs=[(reorg.timestamp - since, reorg.depth) for reorg in book.reader.reorgs()],
    )
