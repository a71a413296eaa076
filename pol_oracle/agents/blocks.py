"""The parts of a view: blocks, attestations, disputes and bonds as the events tell of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pol_oracle.protocol.hashing import keccak_abi
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Outcome, Status

NOBODY = "0x" + "00" * 20


@dataclass
class Attestation:
    """One verifier's attestation; ``since`` is its L1 time in seconds."""

    since: int
    settled: bool = False


@dataclass
class DisputeView:
    """A dispute before the committee.

    Attributes:
        id: 32 bytes, as the committee knows it.
        block_id: the block it is about.
        kind: what it claims.
        challenger: who locked a bond for it.
        opened_at: L1 time in seconds.
        deadline: L1 time at which the vote closes.
        total: wei of all verifiers' bonds when it opened; more than half of it decides.
        votes: verifier -> (guilty, stake in wei).
        voted_at: L1 time of the last vote.
        outcome: OPEN until it is settled.
        settled_at: L1 time in seconds, None while open.
    """

    id: bytes
    block_id: bytes
    kind: EvidenceKind
    challenger: str
    opened_at: int
    deadline: int
    total: int
    votes: dict[str, tuple[bool, int]] = field(default_factory=dict)
    voted_at: int = 0
    outcome: Outcome = Outcome.OPEN
    settled_at: int | None = None

    def result(self, now: int) -> Outcome:
        """What the committee would answer: more than half of the stake, or undecided from the deadline on."""
        for guilty, outcome in ((True, Outcome.GUILTY), (False, Outcome.NOT_GUILTY)):
            if 2 * sum(weight for says, weight in self.votes.values() if says is guilty) > self.total:
                return outcome
        return Outcome.OPEN if now < self.deadline else Outcome.UNDECIDED


@dataclass
class BlockView:
    """One block: what was claimed, and what became of it.

    Attributes:
        id: 32 bytes.
        header: None for genesis.
        miner: checksummed address.
        parent: id of the block it builds on; zeros for genesis.
        height: 0 for genesis.
        bits: requirements it was born with.
        total_work: expected tries behind the chain that ends here.
        sequence: proposals numbered in L1 order.
        proposed_at: L1 time in seconds.
        correct_after: claimed correct test samples of W'.
        status: where it is in its life.
        closed_at: L1 time of the transition to a final state, None while pending.
        slashed_for: the kind of evidence, if it was slashed.
        attestations: verifier -> attestation, in L1 order.
        disputes: kind -> dispute.
        bounty: (challenger, order of the commitment) once the bounty is assigned.
        forfeited: its bond was taken.
    """

    id: bytes
    header: Header | None
    miner: str
    parent: bytes
    height: int
    bits: int
    total_work: int
    sequence: int
    proposed_at: int
    correct_after: int
    status: Status = Status.PENDING
    closed_at: int | None = None
    slashed_for: EvidenceKind | None = None
    attestations: dict[str, Attestation] = field(default_factory=dict)
    disputes: dict[EvidenceKind, DisputeView] = field(default_factory=dict)
    bounty: tuple[str, int] | None = None
    forfeited: bool = False

    @property
    def open_disputes(self) -> list[DisputeView]:
        """Disputes not settled yet."""
        return [d for d in self.disputes.values() if d.outcome is Outcome.OPEN]


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


def dispute_id(block_id: bytes, kind: EvidenceKind) -> bytes:
    """Returns the committee's 32-byte name of a dispute, as ``Court.disputeId``."""
    return keccak_abi(["bytes32", "uint8"], [block_id, int(kind)])
