"""The parts of a view: blocks, attestations, demands and bonds as the events tell of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Status
from pol_oracle.protocol.positions import Position

NOBODY = "0x" + "00" * 20


@dataclass
class Attestation:
    """One verifier's attestation; ``since`` is its L1 time in seconds."""

    since: int
    settled: bool = False


@dataclass
class DemandView:
    """A demand for a part of a block's trees.

    Attributes:
        id: 32 bytes.
        block_id: the block it is about.
        demander: who locked the fee.
        position: what is to be shown.
        deadline: L1 time until which it can be answered.
        opened_at: L1 time in seconds.
        order: its place among commitments to challenges.
        answer: what was shown, ABI-encoded by the contract; None while it is open.
        responder: who answered.
        answered_at: L1 time in seconds.
        expired: nobody answered in time, and L1 took note of it.
        settled: the fee was paid out.
    """

    id: bytes
    block_id: bytes
    demander: str
    position: Position
    deadline: int
    opened_at: int
    order: int
    answer: bytes | None = None
    responder: str | None = None
    answered_at: int | None = None
    expired: bool = False
    settled: bool = False

    @property
    def open(self) -> bool:
        """Nobody has answered it, nor has it expired."""
        return self.answer is None and not self.expired


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
        demands: demand id -> demand, in L1 order.
        bounty: (challenger, order of the commitment) once the bounty is assigned; the lowest order wins.
        prover: whose proof or demand slashed it, or was the first to blame its attesters.
        spares_attesters: so far it was only shown to be wrong in what its miner alone could tell.
        forfeited: its bond was taken.
    """

    id: bytes
    header: Header | None
    miner: str
    parent: bytes
    height: int
    difficulty: int
    total_work: int
    sequence: int
    proposed_at: int
    correct_after: int
    status: Status = Status.PENDING
    closed_at: int | None = None
    slashed_for: EvidenceKind | None = None
    attestations: dict[str, Attestation] = field(default_factory=dict)
    demands: dict[bytes, DemandView] = field(default_factory=dict)
    bounty: tuple[str, int] | None = None
    prover: str | None = None
    spares_attesters: bool = False
    forfeited: bool = False

    @property
    def open_demands(self) -> list[DemandView]:
        """Demands that are neither answered nor expired."""
        return [demand for demand in self.demands.values() if demand.open]

    @property
    def answered_at(self) -> int:
        """L1 time of the latest answer, 0 if there is none."""
        return max((demand.answered_at or 0 for demand in self.demands.values()), default=0)

    @property
    def shown(self) -> dict[Position, bytes]:
        """What was shown of the block on L1, whoever had demanded it: position -> what the contract told of it."""
        return {d.position: d.answer for d in self.demands.values() if d.answer is not None}


@dataclass
class Bond:
    """An account's bond in one role, in wei."""

    free: int = 0
    locked: int = 0

    @property
    def total(self) -> int:
        """Free and locked."""
        return self.free + self.locked


@dataclass(frozen=True)
class Committed:
    """A commitment to a challenge: the lower ``order`` wins; it opens only after ``l1_block``."""

    order: int
    l1_block: int
