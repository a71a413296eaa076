"""What an attacker is looking for: the block after those that it keeps to itself."""

from __future__ import annotations

import math

from .attackers import Attacker
from .chain import ChainRules, tries_per_block


class AttackerState:
    """The search of an attacker.

    L1 stamps a block when it is proposed, so the difficulty of what follows a hidden block depends on when the attacker
    will publish, and falls while it waits. It reckons with publishing now; and keeps its best tries, some of which
    become good enough later.

    Attributes:
        power: tries per second.
        difficulty: what the next find must have, in 1/1024 bit.
        begins: when it has trained after the block below, seconds; until then it does not search.
        mines: whether the attacker is at work here, training or searching.
        on: whether it searches now.
    """

    def __init__(self, attacker: Attacker, power: float, rules: ChainRules, segment: float) -> None:
        self._attacker, self.power, self._rules, self._segment = attacker, power, rules, segment
        self._height, self.begins = 0, 0.0
        self._least = 0  # the lowest difficulty for which the tries so far were found wanting
        self.difficulty = 0
        self.mines = self.on = True

    def adjust(self, now: float, next_slot: int) -> bool:
        """Follows the attacker to its next block, or the clock to the next difficulty.

        Args:
            now: seconds.
            next_slot: timestamp that a proposal made now gets.

        Returns:
            Whether it trains now, and will search from ``begins`` on.
        """
        self.difficulty = self._difficulty(next_slot)
        height = self._attacker.end.height + self._attacker.hidden
        moved = height != self._height
        if moved:
            self._height, self.begins, self._least = height, now + self._segment, self.difficulty
        self.mines = self._attacker.mines(self.difficulty)
        self.on = self.mines and now >= self.begins
        return moved and now < self.begins

    def ripens(self, now: float) -> float:
        """Returns the chance that one of the tries so far is good enough now and was not before."""
        least, self._least = self._least, min(self._least, self.difficulty)
        if self.difficulty >= least:
            return 0.0
        tries = self.power * max(0.0, now - self.begins)
        return -math.expm1(-tries * (1 / tries_per_block(self.difficulty) - 1 / tries_per_block(least)))

    def _difficulty(self, next_slot: int) -> int:
        end = self._attacker.end
        difficulty, parent_at = end.next_difficulty, end.at
        for _ in range(self._attacker.hidden):
            difficulty = self._rules.after(difficulty, next_slot - parent_at)
            parent_at = next_slot
        return difficulty
