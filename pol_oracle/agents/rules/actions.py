"""What an agent can want to do. An action is a value; ``respond`` turns it into a transaction.

``key`` names the duty, not the attempt: the same duty always has the same key, also after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.positions import MissingItem, Position
from pol_oracle.protocol.types import Address, BlockId, Seconds

if TYPE_CHECKING:
    from pol_oracle.evidence import Answer, FraudProof

ENTRIES = 24  # of the slash log, looked at in one transaction at most: some 14,000 gas each where a fork is long


@dataclass(frozen=True)
class Propose:
    """Propose a block whose states are already in the store, unless L1 makes it harder than it was searched at."""

    block_id: BlockId
    header: Header
    searched_at: int

    @property
    def key(self) -> str:
        return f"propose:{self.block_id.hex()}"


@dataclass(frozen=True)
class Attest:
    """Say "I have the data and it is right", at the difficulty that the block was checked against."""

    block_id: BlockId
    difficulty: int

    @property
    def key(self) -> str:
        return f"attest:{self.block_id.hex()}:{self.difficulty}"


@dataclass(frozen=True)
class Prove:
    """Have the Court recompute what is wrong with a block, or with an explanation."""

    block_id: BlockId
    proof: FraudProof
    explained_at: Seconds = 0  # the same explanation may be given, and refuted, again
    before: int | None = None  # order of the bounty's commitment, if that is assigned: only an earlier one takes it

    @property
    def key(self) -> str:
        refuted = self.proof.refutes
        about = "" if refuted is None else f":{refuted.explanation.hex()}:{self.explained_at}"
        return f"prove:{self.block_id.hex()}{about}"


@dataclass(frozen=True)
class Demand:
    """Demand that a part of a block's trees be shown on L1, or that an evaluation be explained."""

    block_id: BlockId
    header: Header
    lacking: MissingItem
    explained_at: Seconds = 0  # as for a proof: here and below

    @property
    def key(self) -> str:
        return f"demand:{self.block_id.hex()}:{_name(self.lacking.position)}:{self.explained_at}"


@dataclass(frozen=True)
class Hasten:
    """Move a deadline nearer, since fewer demands are open than when it was set."""

    block_id: BlockId
    position: Position
    deadline: Seconds  # of now

    @property
    def key(self) -> str:
        return f"hasten:{self.block_id.hex()}:{_name(self.position)}:{self.deadline}"


@dataclass(frozen=True)
class Reveal:
    """Show what was demanded."""

    block_id: BlockId
    header: Header
    position: Position
    answer: Answer
    explained_at: Seconds = 0

    @property
    def key(self) -> str:
        return f"reveal:{self.block_id.hex()}:{_name(self.position)}:{self.explained_at}"


@dataclass(frozen=True)
class Explain:
    """Answer with a bond for how a test sample is evaluated."""

    block_id: BlockId
    header: Header
    position: Position
    answer: Answer
    role: Role
    since: Seconds  # L1 time at which it was last left open

    @property
    def key(self) -> str:
        return f"explain:{self.block_id.hex()}:{_name(self.position)}:{self.since}"


@dataclass(frozen=True)
class Reopen:
    """End an explanation for which nobody answers any more."""

    block_id: BlockId
    position: Position
    explained_at: Seconds

    @property
    def key(self) -> str:
        return f"reopen:{self.block_id.hex()}:{_name(self.position)}:{self.explained_at}"


@dataclass(frozen=True)
class Release:
    """Get back the bond with which an author answered for what it explained of a block in a final state."""

    block_id: BlockId
    author: Address

    @property
    def key(self) -> str:
        return f"release:{self.block_id.hex()}:{self.author.lower()}"


@dataclass(frozen=True)
class Expire:
    """Have a block slashed, or an explanation refuted, because a demand was not answered in time.

    Or end a demand about an explanation that does not stand any more.
    """

    block_id: BlockId
    position: Position
    opened_at: Seconds  # it may be made again, if the same explanation is given again

    @property
    def key(self) -> str:
        return f"expire:{self.block_id.hex()}:{_name(self.position)}:{self.opened_at}"


@dataclass(frozen=True)
class SettleDemand:
    """Pay a demand's fee to whoever it belongs to: once the block is in a final state, or nobody else can earn it."""

    block_id: BlockId
    position: Position

    @property
    def key(self) -> str:
        return f"settle-demand:{self.block_id.hex()}:{_name(self.position)}"


@dataclass(frozen=True)
class Finalize:
    """Pending -> Finalized; the witness is a judged block on top of it, or it, that is better than all beside it."""

    block_id: BlockId
    witness: BlockId

    @property
    def key(self) -> str:
        return f"finalize:{self.block_id.hex()}"


@dataclass(frozen=True)
class Orphan:
    """Pending -> Orphaned, which frees the bonds."""

    block_id: BlockId

    @property
    def key(self) -> str:
        return f"orphan:{self.block_id.hex()}"


@dataclass(frozen=True)
class ClaimHead:
    """Make the best live block the head after the old head's branch was slashed."""

    block_id: BlockId
    replaces: BlockId  # the head of now; a block may have to be claimed again later

    @property
    def key(self) -> str:
        return f"claim-head:{self.block_id.hex()}:{self.replaces.hex()}"


@dataclass(frozen=True)
class Contest:
    """Show that a block beside the head's branch is live."""

    block_id: BlockId
    head: BlockId  # of now

    @property
    def key(self) -> str:
        return f"contest:{self.block_id.hex()}:{self.head.hex()}"


@dataclass(frozen=True)
class Dismiss:
    """Take a rival of the head that has fallen off L1's list."""

    place: int
    block_id: BlockId
    since: Seconds  # L1 time: a block may become a rival again, and one call may not get through the slash log

    @property
    def key(self) -> str:
        return f"dismiss:{self.block_id.hex()}:{self.since}"


@dataclass(frozen=True)
class CatchUp:
    """Have L1 look for a block's ancestors in more of the slash log, so that later calls need not."""

    block_id: BlockId
    number: int  # of the call

    @property
    def key(self) -> str:
        return f"catch-up:{self.block_id.hex()}:{self.number}"


@dataclass(frozen=True)
class SettleAttestation:
    """End an attestation of a block in a final state: reward, loss, or bond back."""

    block_id: BlockId
    verifier: Address

    @property
    def key(self) -> str:
        return f"settle-attestation:{self.block_id.hex()}:{self.verifier.lower()}"


@dataclass(frozen=True)
class ForfeitBond:
    """Take a slashed block's bond."""

    block_id: BlockId

    @property
    def key(self) -> str:
        return f"forfeit:{self.block_id.hex()}"


OneCall = (
    Propose
    | Attest
    | Demand
    | Hasten
    | Reveal
    | Explain
    | Reopen
    | Release
    | Expire
    | SettleDemand
    | Finalize
    | Orphan
    | ClaimHead
    | Contest
    | Dismiss
    | CatchUp
    | SettleAttestation
    | ForfeitBond
)
Action = OneCall | Prove


def _name(position: Position) -> str:
    *numbers, explanation = position.abi()
    return "-".join([*map(str, numbers), *([explanation.hex()] if any(explanation) else [])])
