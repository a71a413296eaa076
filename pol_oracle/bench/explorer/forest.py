"""Makes the events of a long chain with many forks, as a monitor would bring them, and an explorer's book of them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pol_oracle.explorer.facts.book import Book
from pol_oracle.explorer.index.reading import IndexReader
from pol_oracle.explorer.index.rows import IndexedBlock
from pol_oracle.explorer.index.writing import IndexWriter
from pol_oracle.explorer.keeper import IndexState
from pol_oracle.fixtures.l1 import ELIGIBLE, PARAMETERS, TASK
from pol_oracle.l1.contracts.deployment import ORDER, Deployment
from pol_oracle.l1.events.typed import (
    Attested,
    BlockFinalized,
    BlockOrphaned,
    BlockProposed,
    BlockSlashed,
    Event,
    HeadChanged,
    LogPosition,
)
from pol_oracle.l1.monitor import Update
from pol_oracle.protocol.difficulty import work
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind

BLOCKS, FORKS = 10_000, 500
GENESIS = keccak(b"genesis")
MINERS = tuple(f"0x{n:040x}" for n in range(1, 21))
INTERVAL_S = 12
SLASHED = 10  # every so manieth fork is slashed, the others are orphaned
PIECE = 2_000  # events of an update


def grow(blocks: int = BLOCKS, forks: int = FORKS, seed: int = 1) -> Iterator[Event]:
    """Yields the events of a chain of so many blocks in all, of which so many are forks."""
    dice = random.Random(seed)  # noqa: S311  (a forest is no secret)
    trunk = blocks - forks
    forked = set(dice.sample(range(2, trunk), forks))
    tip, difficulty, number = GENESIS, PARAMETERS.difficulty, 0
    yield HeadChanged(GENESIS, 0, _at(0, 0))
    for height in range(1, trunk + 1):
        place = 2 * height
        correct = min(4000, 400 + height // 3 + dice.randrange(60))
        made = [_propose(tip, height, dice.choice(MINERS), number, correct, _at(place, 0))]
        number += 1
        if height in forked:
            made.append(_propose(tip, height, dice.choice(MINERS), number, correct, _at(place, 10)))
            number += 1
        yield from made
        yield HeadChanged(made[0].block_id, work(difficulty) * height, _at(place, 20))
        yield Attested(made[0].block_id, MINERS[0], _at(place + 1, 0))
        yield Attested(made[0].block_id, MINERS[1], _at(place + 1, 1))
        yield BlockFinalized(made[0].block_id, made[0].miner, 10**18, _at(place + 1, 2))
        for lost in made[1:]:
            if dice.randrange(SLASHED):
                yield BlockOrphaned(lost.block_id, lost.miner, 0, _at(place + 1, 3))
            else:
                yield BlockSlashed(lost.block_id, lost.miner, EvidenceKind.STEP, _at(place + 1, 3))
        tip = made[0].block_id


def lengthen(head: IndexedBlock, l1_block: int) -> Iterator[Update]:
    """Yields what the monitor says of further L1 blocks, each with a block of ours on the one before."""
    tip, total = head.id, head.total_work
    for number in itertools.count(1):
        place, height = l1_block + number, head.height + number
        made = _propose(tip, height, MINERS[number % len(MINERS)], BLOCKS + number, 4000, _at(place, 0))
        tip, total = made.block_id, total + work(PARAMETERS.difficulty)
        yield update([made, HeadChanged(tip, total, _at(place, 1)), Attested(tip, MINERS[0], _at(place, 2))])


def _propose(parent: bytes, height: int, miner: str, number: int, correct: int, at: LogPosition) -> BlockProposed:
    root = keccak(number.to_bytes(8))
    header = Header(parent, miner, number, (1, 2, 3, 4), root, root, root, root, root, correct - 1, correct)
    return BlockProposed(header.id(TASK.id), parent, miner, height, PARAMETERS.difficulty, header, at)


def _at(l1_block: int, log_index: int) -> LogPosition:
    tx = keccak(l1_block.to_bytes(8) + log_index.to_bytes(4))
    return LogPosition(l1_block, keccak(l1_block.to_bytes(8)), log_index, 1_700_000_000 + 6 * l1_block, tx)


def pieces(events: Iterable[Event], size: int = PIECE) -> Iterator[Update]:
    """Yields events as the monitor would bring them: whole L1 blocks at a time."""
    piece = list[Event]()
    for event in events:
        if len(piece) >= size and event.at.l1_block != piece[-1].at.l1_block:
            yield update(piece)
            piece = []
        piece.append(event)
    yield update(piece)


def fill(path: Path, events: Iterable[Event]) -> IndexWriter:
    """Writes events into an index."""
    writer = IndexWriter(path, "forest", GENESIS)
    for piece in pieces(events):
        writer.apply(piece)
    return writer


def update(events: Sequence[Event]) -> Update:
    """Returns what the monitor would say of these events."""
    last = events[-1].at
    return Update(None, tuple(events), last.l1_block, last.timestamp, l1_hash=last.l1_hash)


class NoWorkshop:
    """Stands for the process that works things out: nothing is, ever."""

    def answer(self, *_: object) -> None:
        """Nothing is known."""

    def begun(self, *_: object) -> tuple[bool, None]:
        """Nothing was begun."""
        return False, None


def deployment() -> Deployment:
    """Of the forest: nothing but its task is real."""
    task = replace(TASK, eligible_hash=ELIGIBLE.hash)
    return Deployment.model_construct(
        chain_id=1, rpc="", deployed_at=0, addresses=dict.fromkeys(ORDER, "0x" + "00" * 20), spec={"name": "forest"},
        task=task, parameters=PARAMETERS, genesis_id="0x" + GENESIS.hex(), store=[], confirmations=1,
    )  # fmt: skip


def book_of(path: Path, state: Callable[[], IndexState] | None = None) -> Book:
    """Returns a book of an index; where it stands follows from the file if it is not told."""
    reader = IndexReader(path)
    l1_block, now = reader.tip()
    standing = IndexState(version=1, l1_block=l1_block, now=now, ready=True)
    return Book(deployment(), reader, state or (lambda: standing), NoWorkshop(), None)  # type: ignore[arg-type]
