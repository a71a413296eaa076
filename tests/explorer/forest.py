"""Makes the events of a long chain with many forks, and measures the explorer: ``python tests/explorer/forest.py``.

Figures are printed and judged by nobody: they depend on the machine. ``docs/explorer.md`` says what came out where.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pol_oracle.bench.l1 import ELIGIBLE, PARAMETERS, TASK
from pol_oracle.explorer.facts.book import Book
from pol_oracle.explorer.facts.home import home
from pol_oracle.explorer.facts.tree import tree
from pol_oracle.explorer.index.reading import IndexReader
from pol_oracle.explorer.index.writing import IndexWriter
from pol_oracle.explorer.keeper import IndexState
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
    dice = random.Random(seed)
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


def _propose(parent: bytes, height: int, miner: str, number: int, correct: int, at: LogPosition) -> BlockProposed:
    root = keccak(number.to_bytes(8))
    header = Header(parent, miner, number, (1, 2, 3, 4), root, root, root, root, root, correct - 1, correct)
    return BlockProposed(header.id(TASK.id), parent, miner, height, PARAMETERS.difficulty, header, at)


def _at(l1_block: int, log_index: int) -> LogPosition:
    tx = keccak(l1_block.to_bytes(8) + log_index.to_bytes(4))
    return LogPosition(l1_block, keccak(l1_block.to_bytes(8)), log_index, 1_700_000_000 + 6 * l1_block, tx)


def fill(path: Path, events: Iterator[Event]) -> IndexWriter:
    """Writes events into an index, as the monitor would bring them: whole L1 blocks at a time."""
    writer, piece = IndexWriter(path, "forest", GENESIS), list[Event]()
    for event in events:
        if len(piece) >= PIECE and event.at.l1_block != piece[-1].at.l1_block:
            writer.apply(_update(piece))
            piece = []
        piece.append(event)
    writer.apply(_update(piece))
    return writer


def _update(events: list[Event]) -> Update:
    last = events[-1].at
    return Update(None, tuple(events), last.l1_block, last.timestamp, l1_hash=last.l1_hash)


def book_of(path: Path) -> Book:
    """A book of that index; nothing of it is worked out elsewhere."""
    from pol_oracle.l1.contracts.deployment import ORDER, Deployment

    task = replace(TASK, eligible_hash=ELIGIBLE.hash)
    found = Deployment.model_construct(
        chain_id=1, rpc="", deployed_at=0, addresses=dict.fromkeys(ORDER, "0x" + "00" * 20), spec={"name": "forest"},
        task=task, parameters=PARAMETERS, genesis_id="0x" + GENESIS.hex(), store=[], confirmations=1,
    )  # fmt: skip
    reader = IndexReader(path)
    l1_block, now = reader.tip()
    state = IndexState(version=1, l1_block=l1_block, now=now, ready=True)
    return Book(found, reader, lambda: state, None, None)  # type: ignore[arg-type]


def main() -> None:
    """Prints the figures: seconds of a processor, since what else runs is not the point."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.sqlite"
        events = list(grow())
        before = time.process_time()
        fill(path, iter(events)).close()
        lines = [("index", time.process_time() - before, f"{len(events)} events")]
        book = book_of(path)
        for name, make in (("home, first look", home), ("home", home), ("tree", tree)):
            before = time.process_time()
            made = make(book)
            lines.append((name, time.process_time() - before, f"{len(made.model_dump_json())} bytes of JSON"))
        for name, seconds, words in lines:
            sys.stdout.write(f"{name:<18} {seconds:8.3f} s  {words}\n")
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        sys.stdout.write(f"{'memory':<18} {most:8d} MB (with the generator's events)\n")


if __name__ == "__main__":
    main()
