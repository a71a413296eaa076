"""The front page: how the chain stands, how it got there, and what happens."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from pol_oracle.protocol.difficulty import to_bits, work
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.text import ether

from ..index.numbers import FREE, LOCKED, Number
from ..index.rows import TreeBlock
from .book import Book
from .common import BlockSummary, Happening, PageFacts, hex0x
from .words import TOLD

POINTS = 400  # of the figure: more than a screen can tell apart
PACE = 32  # newest blocks of the head's branch over which the network's power is measured
STRIP, EVENTS, DISPUTES = 12, 18, 6


class Point(PageFacts):
    """One height of the figure: accuracy in per cent, seconds since the parent; means where heights are merged."""

    height: int
    accuracy: float
    interval: float
    block: str


class MinerStanding(PageFacts):
    """Who mines: blocks proposed, finalized and slashed; share of the finalized ones, in per cent."""

    account: str
    proposed: int
    finalized: int
    slashed: int
    share: float


class Stake(PageFacts):
    """What is at stake, in ETH as decimal text."""

    miners_locked: str
    verifiers_locked: str
    free: str
    credits: str


class HomeFacts(PageFacts):
    """The front page.

    Attributes:
        head: the block with the most work behind it; None before the first.
        finalized_height: of the last block that nothing can undo.
        next_bits: difficulty of the head's children.
        tries_per_second: power of the network, measured over the newest blocks; None with fewer than two.
        mean_interval: seconds between blocks, over the same.
        disputed: blocks of which something is demanded, or that fell lately.
    """

    task: str
    model: str
    l1_block: int
    now: int
    head: BlockSummary | None
    finalized_height: int
    counts: dict[str, int]
    next_bits: float
    tries_per_second: float | None
    mean_interval: float | None
    miners: list[MinerStanding]
    stake: Stake
    open_disputes: list[BlockSummary]
    fallen: list[BlockSummary]
    recent: list[BlockSummary]
    figure: list[Point]
    events: list[Happening]


def home(book: Book) -> HomeFacts:
    """Returns the front page."""
    reader, tree, numbers = book.reader, book.snapshot(), book.reader.numbers()
    head, final = reader.head(), reader.finalized()
    narrator = book.narrator()
    power, interval = _pace(tree.trunk, _difficulty(book))
    return HomeFacts(
        task=str(book.deployment.spec.get("name", "task")),
        model=str(book.deployment.spec.get("model", "")),
        l1_block=book.state.l1_block,
        now=book.state.now,
        head=None if head is None else book.summary(head),
        finalized_height=0 if final is None else final.height,
        counts={status.name.lower(): count for status, count in reader.by_status().items()},
        next_bits=to_bits(_next_difficulty(book)),
        tries_per_second=power,
        mean_interval=interval,
        miners=_miners(numbers),
        stake=_stake(numbers),
        open_disputes=[book.summary(row) for row in reader.disputed(DISPUTES)],
        fallen=[book.summary(row) for row in reader.slashed(DISPUTES)],
        recent=[book.summary(row) for row in reader.newest(STRIP)],
        figure=figure(tree.trunk, book.test_count),
        events=[narrator.tell(event) for event in reader.latest(EVENTS, TOLD)],
    )


def standing(account: str, numbers: Mapping[Number, int], final: int) -> MinerStanding:
    """Returns how a miner stands; ``final`` counts the final blocks of all."""
    proposed, own, slashed = (numbers.get(n, 0) for n in (Number.PROPOSED, Number.FINALIZED, Number.SLASHED))
    share = 100 * own / final if final else 0
    return MinerStanding(account=account, proposed=proposed, finalized=own, slashed=slashed, share=share)


def _miners(every: Mapping[str, Mapping[Number, int]]) -> list[MinerStanding]:
    """Who mines, the most successful first."""
    final = sum(numbers.get(Number.FINALIZED, 0) for numbers in every.values())
    found = [standing(account, numbers, final) for account, numbers in every.items() if Number.PROPOSED in numbers]
    return sorted(found, key=lambda one: (-one.finalized, -one.proposed))


def figure(trunk: list[TreeBlock], test_count: int, points: int = POINTS) -> list[Point]:
    """Returns the paper's Figure 1 over the head's branch; long chains in as many points as fit."""
    size = max(1, -(-len(trunk) // points))
    found = []
    before = None
    for first in range(0, len(trunk), size):
        part = trunk[first : first + size]
        since = part[0].proposed_at if before is None else before
        last = part[-1]
        correct = sum(row.correct_after for row in part) / len(part)
        interval = (last.proposed_at - since) / len(part)
        found.append(
            Point(height=last.height, accuracy=100 * correct / test_count, interval=interval, block=hex0x(last.id))
        )
        before = last.proposed_at
    return found


def _difficulty(book: Book) -> int:
    head = book.reader.head()
    return book.deployment.parameters.difficulty if head is None else head.difficulty


def _next_difficulty(book: Book) -> int:
    """Of the head's children; see ``View.child_difficulty``."""
    head, parameters = book.reader.head(), book.deployment.parameters
    if head is None:
        return parameters.difficulty
    since = book.snapshot().parent_at(head.parent)
    return head.difficulty if since is None else parameters.retarget(head.difficulty, head.proposed_at - since)


def _pace(trunk: list[TreeBlock], difficulty: int) -> tuple[float | None, float | None]:
    """Tries per second and seconds per block, over the newest blocks of a branch; all taken as hard as the head."""
    recent = trunk[-PACE - 1 :]
    waits = [later.proposed_at - earlier.proposed_at for earlier, later in pairwise(recent)]
    total = sum(waits)
    if total <= 0:
        return None, None
    return len(waits) * work(difficulty) / total, total / len(waits)


def _stake(every: Mapping[str, Mapping[Number, int]]) -> Stake:
    def total(*wanted: Number) -> str:
        return ether(sum(numbers.get(number, 0) for numbers in every.values() for number in wanted))

    return Stake(
        miners_locked=total(LOCKED[Role.MINER]),
        verifiers_locked=total(LOCKED[Role.VERIFIER]),
        free=total(*FREE.values()),
        credits=total(Number.CREDIT),
    )
