"""The parameters of a deployment: fixed when it is made, for every block in it."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import Any

from .difficulty import BIT, MAX_DIFFICULTY
from .errors import RuleError

PARAMETERS_TYPE = "(uint32,uint32,uint32,uint32,uint16,uint96,uint96,uint96,uint128,uint128)"
_SIZES = (32, 32, 32, 32, 16, 96, 96, 96, 128, 128)


@dataclass(frozen=True)
class Parameters:
    """Mirror of ``struct Parameters`` in ``Types.sol``, field by field.

    Attributes:
        challenge_window: seconds after its proposal in which demands about a block may begin.
        reveal_window: seconds after a slash in which an earlier commitment can still claim the bounty.
        answer_window: seconds from a demand to its deadline, and from an answer to the next demand.
        quorum: attestations a block needs to be finalized.
        difficulty_bits: requirements a block must satisfy.
        miner_bond: wei of ETH, locked per block.
        attest_bond: wei of ETH, locked per attestation.
        demand_fee: wei of ETH, locked per demand; pays whoever answers it.
        miner_reward: 1e-18 LEARN, minted per finalized block.
        attester_reward: 1e-18 LEARN, minted per finalized block and shared by its attesters.
    """

    challenge_window: int
    reveal_window: int
    answer_window: int
    quorum: int
    difficulty_bits: int
    miner_bond: int
    attest_bond: int
    demand_fee: int
    miner_reward: int
    attester_reward: int

    def __post_init__(self) -> None:
        """Checks that every value fits its Solidity type.

        Raises:
            RuleError: one does not.
        """
        for field, bits in zip(fields(self), _SIZES, strict=True):
            value = getattr(self, field.name)
            if not 0 <= value < 1 << bits:
                raise RuleError(f"{field.name} must be 0 to {(1 << bits) - 1}, not {value}")
        if self.difficulty_bits > MAX_DIFFICULTY // BIT:
            raise RuleError(f"difficulty must be 0 to {MAX_DIFFICULTY // BIT} bits, not {self.difficulty_bits}")

    def astuple(self) -> tuple[Any, ...]:
        """The parameters as the ABI takes them."""
        return astuple(self)
