"""A block: its header, its life, what it demands of W', and who won or lost by it."""

from __future__ import annotations

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.derivation import Requirement, requirements, seed
from pol_oracle.protocol.difficulty import needed_bits, work
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.text import ether
from pol_oracle.view.blocks import BlockView

from ..index.rows import IndexedBlock
from ..workshop import tools
from ..workshop.pool import Failed
from .book import Book
from .common import BlockSummary, Happening, PageFacts, PaymentFacts, hex0x, payment
from .findings import Replayed


class HeaderFacts(PageFacts):
    """What the miner claims; see ``protocol/header.py`` for each field."""

    parent: str
    miner: str
    nonce: str
    indices: list[int]
    segment_root: str
    pre_root: str
    post_root: str
    trace_root: str
    eval_root: str
    correct_before: int
    correct_after: int


class Required(PageFacts):
    """One requirement of the block, as it follows from its header.

    Attributes:
        number: in R, from 0.
        place: number of the eligible leaf, or weight, that it names.
        weights: how many weights of it are counted.
        odd: how many of them must strictly rise: an odd number, or an even one.
    """

    number: int
    place: int
    weights: int
    odd: bool


class Attester(PageFacts):
    """A verifier that attested, and what came of it: reward in LEARN, loss in ETH."""

    account: str
    time: int
    tx: str
    reward: str | None
    loss: str | None


class BlockFacts(PageFacts):
    """A block.

    Attributes:
        tries: expected number of tries behind it.
        closes_at: L1 time until when demands may begin.
        labels: what the samples of its step show; None while that is not known.
        replayed: what a replay on this machine found; None if nobody asked for one, or it is under way.
        replaying: how far it is; "" if none is under way.
        replay_failed: why the last one could not be done; "" if it could. Another may be asked for.
    """

    block: BlockSummary
    parent: str
    parent_height: int
    tx: str
    l1_block: int
    tries: str
    total_work: str
    closed_at: int | None
    closed_tx: str | None
    closes_at: int
    header: HeaderFacts
    segment_steps: int
    gained: int
    required: list[Required]
    attesters: list[Attester]
    quorum: int
    children: list[BlockSummary]
    beside: list[BlockSummary]
    next_of_miner: BlockSummary | None
    life: list[Happening]
    payments: list[PaymentFacts]
    disputed: bool
    labels: list[int | None]
    replayed: Replayed | None
    replaying: str
    replay_failed: str


def block(book: Book, row: IndexedBlock) -> BlockFacts:
    """Returns a block."""
    reader, tree = book.reader, book.snapshot()
    events = reader.events_of_block(row.id)
    proposal = next(event for event in events if isinstance(event, ev.BlockProposed))
    narrator = book.narrator(row.id)
    replayed, replaying, failed = _replayed(book, row)
    following = reader.next_of(row)
    return BlockFacts(
        block=book.summary(row),
        parent=hex0x(row.parent),
        parent_height=tree.heights.get(row.parent, 0),
        tx=hex0x(row.tx),
        l1_block=row.l1_block,
        tries=str(work(row.difficulty)),
        total_work=str(row.total_work),
        closed_at=row.closed_at,
        closed_tx=None if row.closed_tx is None else hex0x(row.closed_tx),
        closes_at=row.proposed_at + book.deployment.parameters.challenge_window,
        header=header_facts(proposal.header),
        segment_steps=book.deployment.task.training_steps,
        gained=row.correct_after - row.correct_before,
        required=[_required(number, one) for number, one in enumerate(required_of(book, row, proposal.header))],
        attesters=_attesters(events),
        quorum=book.deployment.parameters.quorum,
        children=[book.summary(child) for child in reader.children(row.id)],
        beside=[book.summary(other) for other in reader.at_height(row.height) if other.id != row.id],
        next_of_miner=None if following is None else book.summary(following),
        life=[narrator.tell(event) for event in events],
        payments=[payment(entry) for entry in reader.ledger_of_block(row.id)],
        labels=[book.label("train", index) for index in proposal.header.indices],
        replayed=replayed,
        replaying=replaying,
        replay_failed=failed,
        disputed=row.kind is not None or any(isinstance(e, ev.Demanded | ev.ExplanationDemanded) for e in events),
    )


def question(book: Book, row: IndexedBlock, header: Header) -> tuple[BlockView, tuple[Header, ...]]:
    """Returns what a replay is asked with: the block, and the headers below it."""
    tree = book.snapshot()
    below: list[Header] = []
    place = tree.places.get(row.parent, -1)
    while place >= 0:
        below.append(book.reader.header(tree.rows[place].id))
        place = tree.parents[place]
    view = BlockView(
        id=row.id,
        header=header,
        miner=row.miner,
        parent=row.parent,
        height=row.height,
        difficulty=row.difficulty,
        total_work=row.total_work,
        sequence=row.sequence,
        proposed_at=row.proposed_at,
        correct_after=row.correct_after,
    )
    return view, tuple(reversed(below))


def _replayed(book: Book, row: IndexedBlock) -> tuple[Replayed | None, str, str]:
    """What a replay found; how far it is; why it failed."""
    asked, found = book.workshop.begun((row.id,), tools.replayed)
    if isinstance(found, Failed):
        return None, "", found.words
    if not asked:
        return None, "", ""
    if found is None:
        done = book.workshop.progress((row.id,), tools.replayed)
        return None, "waits for another replay" if done is None else f"{100 * done:.0f} % done", ""
    assert isinstance(found, Replayed)
    return found, "", ""


def header_facts(header: Header) -> HeaderFacts:
    """Returns a header as pages show it; the nonce as text, which JSON numbers would round."""
    values = {name: hex0x(value) if isinstance(value, bytes) else value for name, value in vars(header).items()}
    return HeaderFacts(**{**values, "nonce": str(header.nonce), "indices": list(header.indices)})


def required_of(book: Book, row: IndexedBlock, header: Header) -> tuple[Requirement, ...]:
    """Returns R of a block: it follows from header and difficulty alone."""
    task = book.deployment.task
    drawn = seed(task.rules, task.id, header.parent, header.miner, header.nonce)
    bits = needed_bits(row.difficulty, drawn, header.post_root)
    return requirements(task.rules, drawn, bits, task.eligible_count, task.mask_size)


def _required(number: int, one: Requirement) -> Required:
    return Required(number=number, place=one.number, weights=one.mask.bit_count(), odd=one.odd)


def _attesters(events: list[ev.Event]) -> list[Attester]:
    settled = {event.verifier: event for event in events if isinstance(event, ev.AttestationSettled)}
    found = []
    for event in events:
        if not isinstance(event, ev.Attested):
            continue
        end = settled.get(event.verifier)
        found.append(
            Attester(
                account=event.verifier,
                time=event.at.timestamp,
                tx=hex0x(event.at.tx_hash),
                reward=ether(end.reward) if end is not None and end.reward else None,
                loss=ether(end.loss) if end is not None and end.loss else None,
            )
        )
    return found
