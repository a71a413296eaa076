"""How an agent behaves within the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.types import Seconds

if TYPE_CHECKING:  # `pol --help` needs the defaults alone
    from pol_oracle.protocol.parameters import Parameters

_TURNS = 16  # in an answer window
DEMANDS = 6  # about one block, however wrong it is: the deepest walk, and its end again below another explanation


@dataclass(frozen=True)
class Policy:
    """What an agent may choose for itself.

    Attributes:
        stagger: seconds of L1 time, at most, between one agent's turn at a call that anybody may make and the next's.
        walks: wrong blocks that it can walk down at the same time, at least.
        strangers: calls that pay only others, in flight at the same time at most.
        settled: of what a block owes, nothing is settled for others beyond so many.
        explains: miner: it keeps what it takes to explain each of its blocks.
    """

    stagger: Seconds = 6
    walks: int = 12
    strangers: int = 2
    settled: int = 16
    explains: bool = True

    def turn(self, parameters: Parameters) -> int:
        """Seconds of an agent's turn: where windows are short, all agents' together fit into them."""
        return max(1, min(self.stagger, parameters.answer_window // _TURNS))

    def per_block(self, parameters: Parameters) -> int:
        """Wei of bond that a miner needs for each block that is pending."""
        return parameters.miner_bond + (parameters.attest_bond if self.explains else 0)

    def reserve(self, parameters: Parameters) -> int:
        """Wei of free bond that a verifier keeps.

        It is for all demands about as many blocks as it is ready for, or as are pending when miners keep to the
        interval.
        """
        blocks = self.walks
        if parameters.target_interval:
            blocks = max(blocks, -(-parameters.challenge_window // parameters.target_interval))
        return blocks * DEMANDS * parameters.demand_fee

    def needed(self, parameters: Parameters) -> int:
        """Wei of bond that a verifier needs at least.

        It is what it keeps, and what it takes to attest to one block and to explain it.
        """
        return self.reserve(parameters) + 2 * parameters.attest_bond
