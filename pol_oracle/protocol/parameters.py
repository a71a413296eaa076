"""The parameters of a deployment: fixed when it is made, for every block in it."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import Any

from .difficulty import MAX_DIFFICULTY, retarget
from .errors import RuleError

PAID_ATTESTERS = 40
_SIZES = (32, 32, 32, 32, 16, 16, 16, 32, 32, 96, 96, 96, 128, 128)


@dataclass(frozen=True)
class Parameters:
    """Mirror of ``struct Parameters`` in ``Types.sol``, field by field.

    Attributes:
        challenge_window: seconds after its proposal in which demands about a block may begin.
        reveal_window: seconds after a slash in which an earlier commitment can still claim the bounty.
        answer_window: seconds from a demand to its deadline, and from an answer to the next demand.
        quorum: attestations a block needs to be finalized.
        difficulty: of genesis's children, in 1/1024 bit.
        min_difficulty: the least that retargeting goes to.
        max_difficulty: the greatest.
        target_interval: seconds from a block to the next; 0: every block has the same difficulty.
        half_life: seconds of delay that make a block half as hard.
        miner_bond: wei of ETH, locked per block.
        attest_bond: wei of ETH, locked per attestation.
        demand_fee: wei of ETH, locked per demand; pays whoever answers it.
        miner_reward: 1e-18 LEARN for a finalized block; its miner gets what its attesters leave.
        attester_reward: 1e-18 LEARN that each timely attester of a finalized block gets, while they are no more than
            ``PAID_ATTESTERS``; beyond that so much less that accounts of the miner's own never pay.
    """

    challenge_window: int
    reveal_window: int
    answer_window: int
    quorum: int
    difficulty: int
    min_difficulty: int
    max_difficulty: int
    target_interval: int
    half_life: int
    miner_bond: int
    attest_bond: int
    demand_fee: int
    miner_reward: int
    attester_reward: int

    def __post_init__(self) -> None:
        """Checks that every value fits its Solidity type, and what ``Genesis.sol`` asks of difficulties.

        Raises:
            RuleError: one does not.
        """
        for field, bits in zip(fields(self), _SIZES, strict=True):
            value = getattr(self, field.name)
            if not 0 <= value < 1 << bits:
                raise RuleError(f"{field.name} must be 0 to {(1 << bits) - 1}, not {value}")
        least, most = self.min_difficulty, self.max_difficulty
        if not least <= self.difficulty <= most <= MAX_DIFFICULTY:
            bounds = f"{least} to {most}, and {MAX_DIFFICULTY} at most"
            raise RuleError(f"difficulty must be {bounds}, not {self.difficulty}")
        if self.miner_reward < PAID_ATTESTERS * self.attester_reward:
            raise RuleError(f"miner_reward must be {PAID_ATTESTERS} times attester_reward at least")
        if self.target_interval and not self.half_life:
            raise RuleError("half_life must be more than 0 where there is a target_interval")

    def retarget(self, difficulty: int, elapsed: int) -> int:
        """Returns the difficulty of a block's children; see :func:`~pol_oracle.protocol.difficulty.retarget`."""
        bounds = self.min_difficulty, self.max_difficulty
        return retarget(difficulty, elapsed, self.target_interval, self.half_life, *bounds)

    def astuple(self) -> tuple[Any, ...]:
        """The parameters as the ABI takes them."""
        return astuple(self)
