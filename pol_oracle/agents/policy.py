"""How an agent behaves within the rules."""

from __future__ import annotations

from dataclasses import dataclass

from pol_oracle.protocol.parameters import Parameters


@dataclass(frozen=True)
class Policy:
    """What an agent may choose for itself.

    Attributes:
        stagger: seconds of L1 time between one agent's turn at a call that anybody may make and the next one's.
        max_demands: demands about one block, at most: what a verifier is ready to spend on it.
    """

    stagger: int = 6
    max_demands: int = 16  # a walk to one wrong float takes five; the rest is for answers that lead nowhere

    def reserve(self, parameters: Parameters) -> int:
        """Wei of free bond that a verifier keeps for the demands about one block."""
        return self.max_demands * parameters.demand_fee
