"""The parts of a view: blocks, attestations, demands and bonds as the events tell of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Status
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.protocol.types import Address, BlockId, DemandId, Root, Seconds, Wei

NOBODY = "0x" + "00" * 20


@dataclass
class Attestation:
    """One verifier's attestation; ``since`` is its L1 time in seconds."""

    since: Seconds
    settled: bool = False


@dataclass
class Speaker:
    """Somebody who explained something of a block: one bond is for all of it.

    Attributes:
        fallen_at: L1 time at which one of its explanations was refuted and the bond lost; None if none was.
        released: the bond is free again.
    """

    fallen_at: Seconds | None = None
    released: bool = False

    @property
    def fallen(self) -> bool:
        """It answers for nothing any more."""
        return self.fallen_at is not None


@dataclass
class DemandView:
    """A demand for a part of a block's trees, or for an explanation.

    Attributes:
        id: 32 bytes.
        block_id: the block it is about.
        demander: who locked the fee.
        position: what is to be shown.
        deadline: L1 time until which it can be answered.
        opened_at: L1 time in seconds from which on it can be: an explanation that is refuted leaves it open again.
        order: its place among commitments to challenges.
        answer: what was shown, ABI-encoded by the contract, empty once it is forgotten; None while it is open.
        responder: who answered.
        answered_at: L1 time in seconds.
        trace_root: of the explanation that stands; zeros if none does, or it is no demand for one.
        expired: it was not answered in time, or what it was about does not stand any more, and L1 took note of it.
        settled_at: L1 time in seconds at which the fee was paid out, None if it was not yet.
    """

    id: DemandId
    block_id: BlockId
    demander: Address
    position: Position
    deadline: Seconds
    opened_at: Seconds
    order: int
    answer: bytes | None = None
    responder: Address | None = None
    answered_at: Seconds | None = None
    trace_root: Root = ZERO
    expired: bool = False
    settled_at: Seconds | None = None

    @property
    def open(self) -> bool:
        """Nobody has answered it, nor has it expired."""
        return self.answer is None and not self.expired

    @property
    def settled(self) -> bool:
        """The fee was paid out."""
        return self.settled_at is not None


@dataclass
class BlockView:
    """One block: what was claimed, and what became of it.

    Attributes:
        id: 32 bytes.
        header: None for genesis.
        miner: checksummed address.
        parent: id of the block it builds on; zeros for genesis.
        height: 0 for genesis.
        difficulty: what it was born with, in 1/1024 bit.
        total_work: expected tries behind the chain that ends here.
        sequence: proposals numbered in L1 order.
        proposed_at: L1 time in seconds.
        correct_after: claimed correct test samples of W'.
        status: where it is in its life.
        closed_at: L1 time of the transition to a final state, None while pending.
        slashed_for: the kind of evidence, if it was slashed.
        attestations: verifier -> attestation, in L1 order.
        demands: what is demanded -> demand, in L1 order.
        speakers: who explained something of it.
        answered_at: L1 time of the latest answer, 0 if there is none.
        slashes_before: blocks that had been slashed when it was proposed.
        bounty: (challenger, order of the commitment) once the bounty is assigned; the lowest order wins.
        prover: whose proof or demand slashed it.
        lapsed: so far it was only slashed for silence.
        forfeited_at: L1 time at which its bond was taken, None while it was not.
        reward: 1e-18 LEARN that its miner got.
    """

    id: BlockId
    header: Header | None
    miner: Address
    parent: BlockId
    height: int
    difficulty: int
    total_work: int
    sequence: int
    proposed_at: Seconds
    correct_after: int
    status: Status = Status.PENDING
    closed_at: Seconds | None = None
    slashed_for: EvidenceKind | None = None
    attestations: dict[str, Attestation] = field(default_factory=dict)
    demands: dict[Position, DemandView] = field(default_factory=dict)
    speakers: dict[str, Speaker] = field(default_factory=dict)
    answered_at: Seconds = 0
    slashes_before: int = 0
    bounty: tuple[str, int] | None = None
    prover: Address | None = None
    lapsed: bool = False
    forfeited_at: Seconds | None = None
    reward: int = 0

    @property
    def forfeited(self) -> bool:
        """Its bond was taken."""
        return self.forfeited_at is not None

    @property
    def judged_at(self) -> Seconds | None:
        """L1 time from which on nothing that was shown of it is of use to anybody: no proof can count any more."""
        return self.forfeited_at if self.status is Status.SLASHED else self.closed_at

    @property
    def open_demands(self) -> list[DemandView]:
        """Demands that are neither answered nor expired."""
        return [demand for demand in self.demands.values() if demand.open]

    @property
    def shown(self) -> dict[Position, bytes]:
        """What was shown of the block on L1, whoever had demanded it: position -> what the contract told of it.

        Of explanations those that stand.
        """
        return {position: d.answer for position, d in self.demands.items() if d.answer is not None}

    def explained_at(self, position: Position) -> int | None:
        """Returns when the explanation that a position is about was given, if it stands; 0 if it is about none."""
        if position.explanation == ZERO:
            return 0
        known = self.demands.get(Position(Item.ROOTS, position.tree, position.index))
        stands = known is not None and known.trace_root == position.explanation
        return known.answered_at if known is not None and stands else None

    def speaker(self, position: Position) -> Speaker | None:
        """Returns who gave the explanation that a position is about, if it stands."""
        known = self.demands.get(Position(Item.ROOTS, position.tree, position.index))
        if known is None or known.responder is None or not self.stands(position):
            return None
        return self.speakers.get(known.responder)

    def vouched(self, position: Position) -> bool:
        """Says whether the explanation that a position is about stands, and somebody answers for it with a bond."""
        speaker = self.speaker(position)
        return speaker is not None and not speaker.fallen

    def answerable(self, demand: DemandView, answer_window: Seconds) -> bool:
        """Says whether what a demand is about stands, as L1 asks before it takes an answer, or pays for it.

        Of an explanation: somebody answers for it with a bond, and has a whole answer window from when it was given
        until the demand's deadline. The same may have been given again since it was demanded.
        """
        explained_at = self.explained_at(demand.position)
        if explained_at is None or demand.position.explanation == ZERO:
            return explained_at is not None
        return self.vouched(demand.position) and demand.deadline >= explained_at + answer_window

    def stands(self, position: Position) -> bool:
        """Says whether the explanation that a position is about, if it is about one, stands."""
        return self.explained_at(position) is not None


@dataclass
class BondView:
    """An account's bond in one role, in wei."""

    free: Wei = 0
    locked: Wei = 0

    @property
    def total(self) -> int:
        """Free and locked."""
        return self.free + self.locked


@dataclass(frozen=True)
class Committed:
    """A commitment to a challenge: the lower ``order`` wins; it opens only after ``l1_block``."""

    order: int
    l1_block: int
