"""What an agent knows beside L1 when it decides."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Position
from pol_oracle.protocol.types import Address, BlockId, Wei
from pol_oracle.view.lineage import Lineage

from .verdicts import Verdict

if TYPE_CHECKING:
    from pol_oracle.evidence import Answer

Answers = Mapping[tuple[BlockId, Position], "Answer"]
"""(block id, what was demanded of it) -> the answer, as far as it is computed."""


@dataclass(frozen=True)
class Parent:
    """What a miner builds on.

    Attributes:
        id: of the block.
        lineage: headers from the first block after genesis up to it.
    """

    id: bytes
    lineage: Lineage = ()


@dataclass(frozen=True)
class Miner:
    """What a miner knows beside L1.

    Attributes:
        me: its address.
        task_id: 32 bytes.
        proofs: proofs it found that are not settled on L1, oldest first -> the difficulty they were searched at.
        verified: ids of the blocks it found right itself.
        answers: to demands about its blocks.
        dead_ends: ids of blocks that it could not build on, its own among them.
        gas_price: what a transaction costs now, in wei per gas.
    """

    me: Address
    task_id: bytes
    proofs: dict[Header, int]
    verified: Collection[BlockId]
    answers: Answers = field(default_factory=dict)
    dead_ends: Collection[BlockId] = ()
    gas_price: Wei = 0


@dataclass(frozen=True)
class Verifier:
    """What a verifier knows beside L1.

    Attributes:
        me: its address.
        verdicts: block id -> result of its own replay.
        answers: to demands about blocks that it attested to.
        gas_price: what a transaction costs now, in wei per gas.
    """

    me: Address
    verdicts: Mapping[BlockId, Verdict]
    answers: Answers = field(default_factory=dict)
    gas_price: Wei = 0
