"""A dispute: why a block was wrong, in plain words, who proved it and how; or what is asked of a block just now."""

from __future__ import annotations

from typing import Literal

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.lifecycle import SILENT, EvidenceKind
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.protocol.text import ether

from ..index.rows import IndexedBlock
from ..index.writing import explanation_id
from ..workshop import tools
from ..workshop.pool import Failed
from .block import required_of
from .book import Book
from .common import BlockSummary, Happening, PageFacts, PaymentFacts, hex0x, payment
from .findings import EvidenceFacts, ProofCall

OPEN, FALLEN = 100, 200  # blocks of the list
WHY = {
    EvidenceKind.REQUIREMENT: "The block had to move certain weights in certain directions: that is the work. The "
    "contract opened the weights of one requirement before and after the step, counted those that rose, and the count "
    "has the wrong parity. So the search was never done.",
    EvidenceKind.STEP: "Training is replayed bit for bit. At one place of one tensor the miner committed to a number "
    "that does not follow from its operands. The contract took the operands, computed that one number itself in "
    "binary32, and got another one. One wrong float is enough.",
    EvidenceKind.ACCURACY: "The miner claims how many test samples the network classifies correctly, as a tree of "
    "sums. At one node the claimed sums are not those of what lies below it.",
    EvidenceKind.WITHHELD: "Somebody demanded to see a part of what the miner had committed to, and paid for the "
    "answer. The clock ran out and nothing was shown. Whoever is right can always answer, so silence counts as guilt.",
    EvidenceKind.UNEXPLAINED: "Somebody asked how one test sample comes out as the block claims. No explanation of it "
    "stood when the clock ran out, and of a right block anybody can give one.",
}


class DemandFacts(PageFacts):
    """Something that was demanded of a block.

    Attributes:
        what: in words.
        state: open, answered, or expired.
        seconds: from demand to answer; until the deadline, while it is open.
    """

    what: str
    item: str
    state: Literal["open", "answered", "expired"]
    demander: str
    demanded_at: int
    demanded_tx: str
    deadline: int
    responder: str | None
    answered_at: int | None
    answered_tx: str | None
    answer_bytes: int


class DisputeFacts(PageFacts):
    """A dispute.

    Attributes:
        why: what the verdict means, in plain words; "" while there is none.
        bounty: who was promised the bounty.
        proof: transaction that proved it, or said that the clock had run out.
        seconds: from the proposal to the slash.
        call: the transaction behind ``proof``; None while L1 does not show it.
        evidence: what it showed, recomputed here; None if it shows nothing, or is being read.
        reading: it is being read, or why it cannot be; "" otherwise.
    """

    block: BlockSummary
    kind: str | None
    why: str
    seconds: int | None
    prover: str | None
    proof: str | None
    burned: str
    call: ProofCall | None
    evidence: EvidenceFacts | None
    reading: str
    demands: list[DemandFacts]
    payments: list[PaymentFacts]
    life: list[Happening]


class DisputeList(PageFacts):
    """All disputes: open ones first, then blocks that fell, newest first; ``before`` asks for older ones.

    ``kinds`` counts all that ever fell.
    """

    open: list[BlockSummary]
    fallen: list[BlockSummary]
    kinds: dict[str, int]
    before: int | None


def disputes(book: Book, before: int | None = None) -> DisputeList:
    """Returns all disputes; of blocks that fell, those of a lower sequence than ``before``."""
    fallen, open_ = book.reader.slashed(FALLEN + 1, before), book.reader.disputed(OPEN)
    older, fallen = len(fallen) > FALLEN, fallen[:FALLEN]
    return DisputeList(
        open=[book.summary(row) for row in open_],
        fallen=[book.summary(row) for row in fallen],
        kinds={kind.name.lower(): count for kind, count in book.reader.slashed_for().items()},
        before=fallen[-1].sequence if older else None,
    )


def dispute(book: Book, row: IndexedBlock) -> DisputeFacts:
    """Returns the dispute about a block; of one that nobody ever doubted, an empty one."""
    events = book.reader.events_of_block(row.id)
    narrator = book.narrator(row.id)
    assigned = next((e for e in events if isinstance(e, ev.BountyAssigned)), None)
    entries = book.reader.ledger_of_block(row.id)
    call, evidence, reading = _proof(book, row, events)
    return DisputeFacts(
        block=book.summary(row),
        kind=None if row.kind is None else row.kind.name.lower(),
        why="" if row.kind is None else WHY[row.kind],
        seconds=None if row.kind is None or row.closed_at is None else row.closed_at - row.proposed_at,
        prover=None if assigned is None else assigned.challenger,
        proof=None if row.kind is None or row.closed_tx is None else hex0x(row.closed_tx),
        burned=ether(book.reader.burned(row.id)) if row.kind is not None else "0",
        call=call,
        evidence=evidence,
        reading=reading,
        demands=demands_of(events),
        payments=[payment(entry) for entry in entries],
        life=[narrator.tell(event) for event in events if not isinstance(event, ev.Attested)],
    )


def _proof(book: Book, row: IndexedBlock, events: list[ev.Event]) -> tuple[ProofCall | None, EvidenceFacts | None, str]:
    """The call that slashed a block, what it showed, and why that is not known."""
    if row.kind is None or row.closed_tx is None:
        return None, None, ""
    held = None if book.state.trouble else book.lookup.call(row.closed_tx)
    if held is None:
        return None, None, "L1 has not shown the transaction yet"
    sent, receipt = held
    contract = next((name for name, at in book.deployment.addresses.items() if at == sent.target), sent.target)
    shown = row.kind not in SILENT and contract == "Court"
    header = next(e.header for e in events if isinstance(e, ev.BlockProposed))
    required = tuple((one.number, one.mask, one.odd) for one in required_of(book, row, header))
    found = book.workshop.answer(tools.evidence, sent.data, required) if shown else ""
    call = ProofCall(
        sender=sent.sender,
        contract=contract,
        function=found.function if isinstance(found, EvidenceFacts) else "",
        gas=receipt.gas_used,
        fee=ether(receipt.gas_used * receipt.gas_price),
        size=len(sent.data),
    )
    if isinstance(found, EvidenceFacts):
        return call, found, ""
    words = found.words if isinstance(found, Failed) else "the evidence is being read"
    return call, None, words if shown else ""


def demands_of(events: list[ev.Event]) -> list[DemandFacts]:
    """Returns what was demanded of a block, in L1 order."""
    asked: dict[bytes, ev.Demanded | ev.ExplanationDemanded] = {}
    answers: dict[bytes, ev.Revealed | ev.Explained] = {}
    expired: set[bytes] = set()
    deadlines: dict[bytes, int] = {}
    for event in events:
        match event:
            case ev.Demanded():
                asked[event.demand_id], deadlines[event.demand_id] = event, event.deadline
            case ev.ExplanationDemanded():
                asked[explanation_id(event)], deadlines[explanation_id(event)] = event, event.deadline
            case ev.Revealed():
                answers[event.demand_id] = event
            case ev.Explained():
                answers[explanation_id(event)] = event
            case ev.ExplanationRefuted():
                answers.pop(explanation_id(event), None)
                deadlines[explanation_id(event)] = event.deadline
            case ev.DeadlineMoved():
                deadlines[event.demand_id] = event.deadline
            case ev.DemandExpired():
                expired.add(event.demand_id)
            case ev.ExplanationExpired():
                expired.add(explanation_id(event))
    return [_demand(one, answers.get(key), deadlines[key], key in expired) for key, one in asked.items()]


def _demand(
    asked: ev.Demanded | ev.ExplanationDemanded, answer: ev.Revealed | ev.Explained | None, deadline: int, expired: bool
) -> DemandFacts:
    explains = isinstance(asked, ev.ExplanationDemanded)
    position = (
        Position(Item.ROOTS, asked.tree, asked.sample) if isinstance(asked, ev.ExplanationDemanded) else asked.position
    )
    responder = None if answer is None else answer.author if isinstance(answer, ev.Explained) else answer.responder
    return DemandFacts(
        what=str(position),
        item="explanation" if explains else position.item.name.lower(),
        state="answered" if answer is not None else "expired" if expired else "open",
        demander=asked.demander,
        demanded_at=asked.at.timestamp,
        demanded_tx=hex0x(asked.at.tx_hash),
        deadline=deadline,
        responder=responder,
        answered_at=None if answer is None else answer.at.timestamp,
        answered_tx=None if answer is None else hex0x(answer.at.tx_hash),
        answer_bytes=0 if answer is None else len(answer.answer),
    )
