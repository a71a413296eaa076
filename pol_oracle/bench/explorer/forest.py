"""Makes the events of a long chain with many forks, as a monitor would bring them, and an explorer's book of them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from eth_utils.address import to_checksum_address

from pol_oracle.explorer.facts.book import Book
from pol_oracle.explorer.index.reading import IndexReader
from pol_oracle.explorer.index.rows import IndexedBlock
from pol_oracle.explorer.index.writing import IndexWriter
from pol_oracle.explorer.keeper import IndexState
from pol_oracle.explorer.workshop.pool import Busy
from pol_oracle.fixtures.l1 import ELIGIBLE, PARAMETERS, TASK
from pol_oracle.l1.contracts.deployment import ORDER, Deployment
from pol_oracle.l1.events.disputes import BountyAssigned, Demanded, DemandSettled, Revealed
from pol_oracle.l1.events.typed import (
    AttestationSettled,
    Attested,
    Awarded,
    BlockFinalized,
    BlockOrphaned,
    BlockProposed,
    BlockSlashed,
    BondForfeited,
    Collected,
    Credited,
    Deposited,
    Event,
    Forfeited,
    HeadChanged,
    Locked,
    LogPosition,
    Unlocked,
)
from pol_oracle.l1.monitor import Update
from pol_oracle.protocol.difficulty import work
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Item, Position

BLOCKS, FORKS = 10_000, 500
GENESIS = keccak(b"genesis")
MINERS = tuple(to_checksum_address(f"0x{n:040x}") for n in range(1, 21))
VERIFIERS = MINERS[:2]
DEPOSIT = 10**22  # wei
SLASHED = 10  # every so manieth fork is slashed, the others are orphaned
DEMANDED = 20  # of every so manieth block a part is demanded
PIECE = 2_000  # events of an update
NOWHERE = LogPosition(0, b"", 0, 0, b"")  # until an L1 block has the event


def grow(blocks: int = BLOCKS, forks: int = FORKS, seed: int = 1) -> Iterator[Event]:
    """Yields the events of a chain of so many blocks in all, of which so many are forks."""
    dice = random.Random(seed)  # noqa: S311  (a forest is no secret)
    trunk = blocks - forks
    forked = set(dice.sample(range(2, trunk), forks))
    tip, difficulty, number = GENESIS, PARAMETERS.difficulty, 0
    yield HeadChanged(GENESIS, 0, _at(0, 0))
    yield from mined(1, *([deposit] for deposit in _deposits()))
    for height in range(1, trunk + 1):
        correct = min(4000, 400 + height // 3 + dice.randrange(60))
        made = [_propose(tip, height, dice.choice(MINERS), number, correct)]
        number += 1
        if height in forked:
            made.append(_propose(tip, height, dice.choice(MINERS), number, correct))
            number += 1
        main, *others = made
        head = HeadChanged(main.block_id, work(difficulty) * height, NOWHERE)
        proposals: list[list[Event]] = [[main, head, _locked(main)], *([lost, _locked(lost)] for lost in others)]
        yield from mined(2 * height, *proposals)
        yield from mined(2 * height + 1, *_ends(main, others, dice))
        tip = main.block_id


def _deposits() -> Iterator[Event]:
    for account in MINERS:
        yield Deposited(account, Role.MINER, DEPOSIT, NOWHERE)
    for account in VERIFIERS:
        yield Deposited(account, Role.VERIFIER, DEPOSIT, NOWHERE)


def _ends(main: BlockProposed, others: list[BlockProposed], dice: random.Random) -> Iterator[list[Event]]:
    """Transactions that end what was proposed at a height; a real chain has as many, if not in one L1 block."""
    block, bond, stake = main.block_id, PARAMETERS.miner_bond, PARAMETERS.attest_bond
    for verifier in VERIFIERS:
        yield [Attested(block, verifier, NOWHERE), Locked(verifier, Role.VERIFIER, stake, NOWHERE)]
    if not dice.randrange(DEMANDED):
        yield from _asked(main)
    reward = PARAMETERS.miner_reward
    yield [BlockFinalized(block, main.miner, reward, NOWHERE), Unlocked(main.miner, Role.MINER, bond, NOWHERE)]
    for verifier in VERIFIERS:
        settled = AttestationSettled(block, verifier, Status.FINALIZED, PARAMETERS.attester_reward, 0, NOWHERE)
        yield [settled, Unlocked(verifier, Role.VERIFIER, stake, NOWHERE)]
    for lost in others:
        if dice.randrange(SLASHED):
            orphaned = BlockOrphaned(lost.block_id, lost.miner, 0, NOWHERE)
            yield [orphaned, Unlocked(lost.miner, Role.MINER, bond, NOWHERE)]
        else:
            yield from _slashed(lost)


def _asked(block: BlockProposed) -> Iterator[list[Event]]:
    """A part of a block is demanded, shown, and paid for; the fee is collected."""
    asker, fee, position = VERIFIERS[1], PARAMETERS.demand_fee, Position(Item.ROOTS)
    name = position.demand_id(block.block_id)
    asked = Demanded(block.block_id, name, asker, position, 0, 0, NOWHERE)
    yield [asked, Locked(asker, Role.VERIFIER, fee, NOWHERE)]
    yield [Revealed(block.block_id, name, block.miner, bytes(64), NOWHERE)]
    settled = DemandSettled(block.block_id, name, block.miner, fee, NOWHERE)
    yield [settled, Awarded(asker, Role.VERIFIER, block.miner, fee, NOWHERE)]
    yield [Collected(block.miner, fee, NOWHERE)]


def _slashed(block: BlockProposed) -> Iterator[list[Event]]:
    """A verifier proves a block wrong, and gets its part of the bond."""
    winner, bond = VERIFIERS[0], PARAMETERS.miner_bond
    yield [
        BlockSlashed(block.block_id, block.miner, EvidenceKind.STEP, NOWHERE),
        BountyAssigned(block.block_id, winner, EvidenceKind.STEP, 0, NOWHERE),
    ]
    yield [
        BondForfeited(block.block_id, block.miner, winner, winner, bond, NOWHERE),
        Forfeited(block.miner, Role.MINER, bond, bond - bond // 2, NOWHERE),
        Credited(winner, bond // 2, NOWHERE),
    ]


def lengthen(head: IndexedBlock, l1_block: int) -> Iterator[Update]:
    """Yields what the monitor says of further L1 blocks, each with a block of ours on the one before."""
    tip, total = head.id, head.total_work
    for number in itertools.count(1):
        made = _propose(tip, head.height + number, MINERS[number % len(MINERS)], BLOCKS + number, 4000)
        tip, total = made.block_id, total + work(PARAMETERS.difficulty)
        proposal: list[Event] = [made, HeadChanged(tip, total, NOWHERE), _locked(made)]
        attests = Attested(tip, VERIFIERS[0], NOWHERE)
        stake = Locked(VERIFIERS[0], Role.VERIFIER, PARAMETERS.attest_bond, NOWHERE)
        yield update(list(mined(l1_block + number, proposal, [attests, stake])))


def _propose(parent: bytes, height: int, miner: str, number: int, correct: int) -> BlockProposed:
    root = keccak(number.to_bytes(8))
    header = Header(parent, miner, number, (1, 2, 3, 4), root, root, root, root, root, correct - 1, correct)
    return BlockProposed(header.id(TASK.id), parent, miner, height, PARAMETERS.difficulty, header, NOWHERE)


def _locked(block: BlockProposed) -> Event:
    return Locked(block.miner, Role.MINER, PARAMETERS.miner_bond, NOWHERE)


def mined(l1_block: int, *transactions: Sequence[Event]) -> Iterator[Event]:
    """Yields the events of an L1 block's transactions, with their places."""
    log_index = 0
    for number, events in enumerate(transactions):
        for event in events:
            yield replace(event, at=_at(l1_block, log_index, number))
            log_index += 1


def _at(l1_block: int, log_index: int, transaction: int = 0) -> LogPosition:
    tx = keccak(l1_block.to_bytes(8) + transaction.to_bytes(4))
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
    """Stands for the processes that work things out: they never come to it."""

    def answer(self, *_: object) -> None:
        """Nothing is known."""

    async def wait(self, *_: object) -> Busy:
        """Nothing will be."""
        return Busy()

    def begin(self, *_: object) -> Busy:
        """Nothing is begun."""
        return Busy()

    def begun(self, *_: object) -> tuple[bool, None]:
        """Nothing was begun."""
        return False, None

    def full(self, *_: object) -> bool:
        """Nothing else would be."""
        return True


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
