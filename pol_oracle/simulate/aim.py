"""What an attacker is looking for: the block after those that it keeps to itself."""

from __future__ import annotations

import math

from .attackers import Attacker
from .chain import Rules, tries_per_block


class Aim:
    """The search of an attacker.

    L1 stamps a block when it is proposed, so the difficulty of what follows a hidden block depends on when the attacker
    will publish, and falls while it waits. It reckons with publishing now; and keeps its best tries, some of which
    become good enough later.

    Attributes:
        power: tries per second.
        difficulty: what the next find must have, in 1/1024 bit.
        on: whether the attacker mines at all.
    """

    def __init__(self, attacker: Attacker, power: float, rules: Rules) -> None:
        self._attacker, self.power, self._rules = attacker, power, rules
        self._height, self._since = -1, 0.0
        self._least = 0  # the lowest difficulty for which the tries so far were found wanting
        self.difficulty = 0
        self.on = True

    def adjust(self, now: float, next_slot: int) -> None:
        """Follows the attacker to its next block, or the clock to the next difficulty.

        Args:
            now: seconds.
            next_slot: timestamp that a proposal made now gets.
        """
        self.difficulty = self._difficulty(next_slot)
        self.on = self._attacker.mines(self.difficulty)
        height = self._attacker.end.height + self._attacker.hidden
        if height != self._height:
            self._height, self._since, self._least = height, now, self.difficulty

    def ripens(self, now: float) -> float:
        """Returns the chance that one of the tries so far is good enough now and was not before."""
        least, self._least = self._least, min(self._least, self.difficulty)
        if self.difficulty >= least:
            return 0.0
        tries = self.power * (now - self._since)
        return -math.expm1(-tries * (1 / tries_per_block(self.difficulty) - 1 / tries_per_block(least)))

    def _difficulty(self, next_slot: int) -> int:
        end = self._attacker.end
        difficulty, parent_at = end.next_difficulty, end.at
        for _ in range(self._attacker.hidden):
            difficulty = self._rules.after(difficulty, next_slot - parent_at)
            parent_at = next_slot
        return difficulty
