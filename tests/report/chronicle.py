"""Writes made-up L1 histories, one transaction at a time, for tests of what is told from events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pol_oracle.chain.events import (
    AttestationSettled,
    Attested,
    BlockFinalized,
    BlockProposed,
    BlockSlashed,
    BondForfeited,
    DisputeSettled,
    Event,
    Forfeited,
    HeadChanged,
    LogPosition,
)
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Outcome, Role, Status

GENESIS = b"\xff" * 32
NOBODY = "0x" + "00" * 20


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
        header = Header(parent, miner, 0, (0, 1, 2, 3), zero, zero, zero, zero, correct - 1, correct)
        self._transaction(lambda at: BlockProposed(block_id, parent, miner, height, 5, header, at))
        return block_id

    def attest(self, block_id: bytes, verifier: str) -> None:
        """An attestation."""
        self._transaction(lambda at: Attested(block_id, verifier, at))

    def finalize(self, block_id: bytes, miner: str, reward: int = 10) -> None:
        """A finalized block."""
        self._transaction(lambda at: BlockFinalized(block_id, miner, reward, at))

    def slash(self, block_id: bytes, miner: str, challenger: str, kind: EvidenceKind, bond: int = 101) -> None:
        """A slashed block and, in a later transaction, its forfeited bond."""
        self._transaction(lambda at: BlockSlashed(block_id, miner, kind, at))
        self._transaction(
            lambda at: Forfeited(miner, Role.MINER, challenger, bond - bond // 2, bond // 2, at),
            lambda at: BondForfeited(block_id, miner, challenger, bond, at),
        )

    def settle(self, block_id: bytes, verifier: str, *, reward: int = 0, loss: int = 0, to: str = NOBODY) -> None:
        """A settled attestation: a reward, a loss or neither."""
        outcome = Status.SLASHED if loss else Status.FINALIZED
        taken: list[Callable[[LogPosition], Event]] = []
        if loss:
            taken = [lambda at: Forfeited(verifier, Role.VERIFIER, to, loss - loss // 2, loss // 2, at)]
        self._transaction(*taken, lambda at: AttestationSettled(block_id, verifier, outcome, reward, loss, at))

    def acquit(self, block_id: bytes, challenger: str, miner: str, bond: int) -> None:
        """A dispute that the challenger lost."""
        self._transaction(
            lambda at: Forfeited(challenger, Role.VERIFIER, miner, bond - bond // 2, bond // 2, at),
            lambda at: DisputeSettled(block_id, EvidenceKind.STEP, Outcome.NOT_GUILTY, at),
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
