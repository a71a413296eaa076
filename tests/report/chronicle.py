"""Writes made-up L1 histories, one transaction at a time, for tests of what is told from events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pol_oracle.l1.events.typed import (
    AttestationSettled,
    Attested,
    Awarded,
    BlockFinalized,
    BlockOrphaned,
    BlockProposed,
    BlockSlashed,
    BondForfeited,
    Credited,
    Demanded,
    DemandSettled,
    Event,
    ExplanationRefuted,
    ExplanationSettled,
    Forfeited,
    HeadChanged,
    LogPosition,
    Revealed,
    Unlocked,
)
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Item, Position, Tree

GENESIS = b"\xff" * 32


@dataclass
class Chronicle:
    """A growing list of events; ``now`` is L1 time in seconds."""

    now: int = 1_000
    events: list[Event] = field(default_factory=list)
    heights: dict[bytes, int] = field(default_factory=lambda: {GENESIS: 0})

    def __post_init__(self) -> None:
        self._transaction(lambda at: HeadChanged(GENESIS, 0, at))

    def propose(self, miner: str, parent: bytes = GENESIS, correct: int = 50, wait: int = 5) -> bytes:
        """A block; returns its id."""
        self.now += wait
        number = len(self.events)
        block_id, height = number.to_bytes(32, "big"), self.heights[parent] + 1
        self.heights[block_id] = height
        zero = bytes(32)
        header = Header(parent, miner, 0, (0, 1, 2, 3), zero, zero, zero, zero, zero, correct - 1, correct)
        self._transaction(lambda at: BlockProposed(block_id, parent, miner, height, 5, header, at))
        return block_id

    def attest(self, block_id: bytes, verifier: str) -> None:
        """An attestation."""
        self._transaction(lambda at: Attested(block_id, verifier, at))

    def finalize(self, block_id: bytes, miner: str, reward: int = 10) -> None:
        """A finalized block."""
        self._transaction(lambda at: BlockFinalized(block_id, miner, reward, at))

    def orphan(self, block_id: bytes, miner: str, loss: int = 0, bond: int = 101) -> None:
        """An orphaned block; ``loss`` of its bond is burned, the rest free again."""
        burned = (lambda at: Forfeited(miner, Role.MINER, loss, loss, at),) if loss else ()
        self._transaction(
            lambda at: BlockOrphaned(block_id, miner, loss, at),
            *burned,
            lambda at: Unlocked(miner, Role.MINER, bond - loss, at),
        )

    def slash(
        self, block_id: bytes, miner: str, prover: str, kind: EvidenceKind, bond: int = 101, first: str | None = None
    ) -> None:
        """A slashed block and, in a later transaction, its forfeited bond; ``first`` committed before the prover."""
        self._transaction(lambda at: BlockSlashed(block_id, miner, kind, at))
        self._transaction(
            lambda at: BondForfeited(block_id, miner, first or prover, prover, bond, at),
            *_taken(miner, Role.MINER, bond, first or prover, prover),
        )

    def settle(self, block_id: bytes, verifier: str, *, reward: int = 0, loss: int = 0, to: str | None = None) -> None:
        """A settled attestation: a reward, a loss or neither."""
        outcome = Status.SLASHED if loss else Status.FINALIZED
        winner = verifier if to is None else to
        taken = _taken(verifier, Role.VERIFIER, loss, winner, winner) if loss else ()
        self._transaction(lambda at: AttestationSettled(block_id, verifier, outcome, reward, loss, at), *taken)

    def demand(self, block_id: bytes, demander: str, position: Position | None = None) -> bytes:
        """A demand; returns its id."""
        name, what = len(self.events).to_bytes(32, "little"), position or Position(Item.BITS)
        self._transaction(lambda at: Demanded(block_id, name, demander, what, self.now + 10, 1, at))
        return name

    def reveal(self, block_id: bytes, demand: bytes, responder: str) -> None:
        """Its answer."""
        self._transaction(lambda at: Revealed(block_id, demand, responder, b"answer", at))

    def pay(self, block_id: bytes, demand: bytes, demander: str, to: str, fee: int) -> None:
        """Its settlement: the fee is somebody else's, or the demander's again."""

        def moved(at: LogPosition) -> Event:
            if to == demander:
                return Unlocked(demander, Role.VERIFIER, fee, at)
            return Awarded(demander, Role.VERIFIER, to, fee, at)

        self._transaction(lambda at: DemandSettled(block_id, demand, to, fee, at), moved)

    def pay_answer(self, block_id: bytes, demand: bytes, demander: str, responder: str, miner: str, pay: int) -> None:
        """Its settlement where the block was slashed: the fee goes back, and the miner's bond pays the answer."""
        self._transaction(
            lambda at: DemandSettled(block_id, demand, demander, 7, at),
            lambda at: Unlocked(demander, Role.VERIFIER, 7, at),
            lambda at: Awarded(miner, Role.MINER, responder, pay, at),
        )

    def refute(self, block_id: bytes, author: str, challenger: str, bond: int) -> None:
        """An explanation that is refuted."""
        self._transaction(
            lambda at: ExplanationRefuted(block_id, Tree.AFTER, 3, author, challenger, self.now + 10, at),
            *_taken(author, Role.VERIFIER, bond, challenger, challenger),
        )

    def pay_explanation(self, block_id: bytes, demander: str, author: str, fee: int) -> None:
        """An explanation that stood."""
        self._transaction(
            lambda at: ExplanationSettled(block_id, Tree.AFTER, 3, author, fee, at),
            lambda at: Awarded(demander, Role.VERIFIER, author, fee, at),
        )

    def _transaction(self, *logs: Callable[[LogPosition], Any]) -> None:
        l1_block = len(self.events) + 1
        for number, log in enumerate(logs):
            place = LogPosition(
                l1_block=l1_block,
                log_index=number,
                l1_hash=bytes(32),
                timestamp=self.now,
                tx_hash=l1_block.to_bytes(32, "big"),
            )
            self.events.append(log(place))


def _taken(account: str, role: Role, bond: int, first: str, prover: str) -> tuple[Callable[[LogPosition], Event], ...]:
    """What the vault logs when it takes a bond: of the half that is not burned, half to each; all if they are one."""
    rest = bond // 2
    share = 0 if first == prover else rest // 2
    logs: list[Callable[[LogPosition], Event]] = [
        lambda at: Forfeited(account, role, bond, bond - rest, at),
        lambda at: Credited(prover, rest - share, at),
    ]
    if share:
        logs.append(lambda at: Credited(first, share, at))
    return tuple(logs)
