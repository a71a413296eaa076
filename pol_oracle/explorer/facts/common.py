"""What all pages are made of: models, and small words for ids, amounts and times."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pol_oracle.protocol.difficulty import to_bits
from pol_oracle.protocol.text import ether

from ..index.rows import IndexedBlock, IndexedEntry

StatusName = Literal["genesis", "pending", "finalized", "slashed", "orphaned"]


class PageFacts(BaseModel):
    """What a page says."""

    model_config = ConfigDict(frozen=True)


class Part(PageFacts):
    """A piece of a sentence; ``href`` leads to what it names."""

    text: str
    href: str = ""


class Happening(PageFacts):
    """Something that happened, in words; times are L1's, in seconds."""

    kind: str
    tone: Literal["good", "bad", "open", "plain"]
    words: list[Part]
    time: int
    l1_block: int
    tx: str

    @property
    def text(self) -> str:
        """The same without links."""
        return "".join(part.text for part in self.words)


class PaymentFacts(PageFacts):
    """A reward, loss, bounty or fee; ``amount`` is exact decimal text, negative for a loss."""

    party: str
    amount: str
    unit: str
    reason: str
    block: str | None
    l1_block: int
    time: int
    tx: str


class BlockSummary(PageFacts):
    """A block in a list.

    Attributes:
        accuracy: of W' on the test set as the miner claims, in per cent.
        interval: seconds of L1 since its parent was proposed; None for a child of genesis.
        bits: its difficulty.
        main: it is the head or below it.
    """

    id: str
    height: int
    miner: str
    status: StatusName
    proposed_at: int
    interval: int | None
    accuracy: float
    correct_after: int
    bits: float
    attested: int
    kind: str | None
    main: bool = Field(description="is the head or an ancestor of it")


def hex0x(data: bytes) -> str:
    """Returns 0x-prefixed hex."""
    return "0x" + data.hex()


def cursor(l1_block: int, log_index: int) -> str:
    """Returns the place of an event as addresses name it."""
    return f"{l1_block}.{log_index}"


def summary(row: IndexedBlock, test_count: int, parent_at: int | None, *, main: bool) -> BlockSummary:
    """Returns a block as lists show it."""
    return BlockSummary(
        id=hex0x(row.id),
        height=row.height,
        miner=row.miner,
        status=status_name(row),
        proposed_at=row.proposed_at,
        interval=None if parent_at is None else row.proposed_at - parent_at,
        accuracy=100 * row.correct_after / test_count,
        correct_after=row.correct_after,
        bits=to_bits(row.difficulty),
        attested=row.attested,
        kind=None if row.kind is None else row.kind.name.lower(),
        main=main,
    )


def status_name(row: IndexedBlock) -> StatusName:
    """Returns a block's status as people read it."""
    names: dict[int, StatusName] = {1: "pending", 2: "finalized", 3: "slashed", 4: "orphaned"}
    return names[int(row.status)]


def payment(row: IndexedEntry) -> PaymentFacts:
    """Returns a row of the ledger as pages show it."""
    return PaymentFacts(
        party=row.party,
        amount=ether(row.amount),
        unit=row.unit,
        reason=row.reason,
        block=None if row.block_id is None else hex0x(row.block_id),
        l1_block=row.l1_block,
        time=row.timestamp,
        tx=hex0x(row.tx),
    )
