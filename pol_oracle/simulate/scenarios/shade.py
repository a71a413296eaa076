"""Garbage that buys finality.

An attacker piles blocks that nobody has judged yet on a valid, inferior one of its own, so that they outweigh the
honest branch, and has that block made final in their shade.

A pile costs half of a bond per block, burned, once its lowest block is proven wrong. That takes a few L1 blocks where
the pile's trees are right but for a lie, and a walk of demands where they are garbage, each answered in the last
second. Whoever wants to hold its pile up longer puts the next, heavier one beside it just before it falls.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from pol_oracle.protocol.difficulty import work

from ..chain import Block, ChainRules
from .finality import JudgedTree

CHALLENGE_WINDOW, ANSWER_WINDOW = 3600, 600  # seconds, as in the task files for ResNet-18
SLOT = 12
QUICK = 10 * SLOT  # from a wrong block to its slash, where a replay is enough
SLOW = 4 * ANSWER_WINDOW + QUICK  # where it takes the deepest walk
STRETCHED = 3 * SLOW  # where 32 open demands of the attacker's own lengthen every deadline
DIFFICULTY = 20 * 1024
HONEST, ATTACKER = 0, 1
MARGINS = (0, 10, 20)
BURNED = 0.5  # of a bond, of the wrong block and of each above it


@dataclass(frozen=True)
class Shaded:
    """What came of an attack.

    Attributes:
        bonds: blocks that the attacker piled up.
        orphaned: honest blocks that lost to them.
        delay: seconds for which the lowest honest block was kept from being final.
    """

    bonds: int
    orphaned: int
    delay: int

    @property
    def burned(self) -> float:
        """Bonds that it cost the attacker."""
        return BURNED * self.bonds

    @property
    def per_orphan(self) -> float:
        """Bonds burned per honest block that was orphaned."""
        return self.burned / self.orphaned if self.orphaned else math.inf

    @property
    def per_minute(self) -> float:
        """Bonds burned per minute that finality was held up, where nothing was orphaned."""
        return self.burned / (self.delay / 60) if self.delay else math.inf


class Shade:
    """One attack on a chain with so many honest blocks that are not final, beside one valid block of the attacker's."""

    def __init__(
        self, outweighs: bool, honest: int, falls_after: int, early: bool = False, rules: ChainRules | None = None
    ) -> None:
        """Begins when the attacker's own block could be final, were it on the head's branch.

        Args:
            outweighs: the rule; see ``JudgedTree``.
            honest: blocks on the honest branch.
            falls_after: seconds from a pile to its slash.
            early: it begins as soon as its own block and the honest ones are there instead.
            rules: of the deployment.
        """
        rules = rules or ChainRules()
        self._interval, self._falls_after = rules.target_interval, falls_after
        self._tree = JudgedTree(rules, DIFFICULTY, outweighs)
        genesis = self._tree.head
        self._honest = [self._tree.propose(genesis, HONEST, self._interval)]
        self._own = self._tree.propose(genesis, ATTACKER, self._interval + SLOT)
        self._piles: list[Block] = []  # the lowest block of each
        self._bonds = 0
        for _ in range(honest - 1):
            self._mine()
        self.now = self._begin = max(self._honest[-1].at, self._own.at + (SLOT if early else CHALLENGE_WINDOW))

    def run(self, budget: int, lasting: bool, margin: int = 0) -> Shaded:
        """Attacks, until the honest branch goes on or has lost.

        Args:
            budget: bonds that the attacker is ready to lose half of.
            lasting: whether further piles follow, each just before the one before it falls.
            margin: honest blocks to come that a pile outweighs, too.
        """
        self._margin = margin * work(DIFFICULTY)
        while self._tree.tip.number == 0:
            due = not self._piles or self.now >= self._piles[-1].at + self._falls_after - SLOT
            if due and (lasting or not self._piles):
                self._pile(budget)
            self._finalize(self._own)
            self._judge()
            self._finalize(self._honest[0])
            self.now += SLOT
        won = self._tree.tip is self._own
        return Shaded(self._bonds, len(self._honest) if won else 0, self.now - SLOT - self._begin)

    def _pile(self, budget: int) -> None:
        """Outweighs the head in one transaction, if there are bonds for it."""
        enough, end, pile = self._tree.head.total_work + self._margin, self._own, list[Block]()
        trial = JudgedTree(self._tree.rules, DIFFICULTY, outweighs=False)
        trial.blocks, trial.head = self._tree.blocks[: self._own.number + 1], self._own
        while trial.head.total_work <= enough and self._bonds + len(pile) < budget:
            pile.append(trial.propose(trial.head, ATTACKER, self.now))
        if trial.head.total_work <= enough:
            return
        for _ in pile:
            end = self._tree.propose(end, ATTACKER, self.now)
            if end.parent == self._own.number:
                self._piles.append(end)
        self._bonds += len(pile)

    def _judge(self) -> None:
        """What the honest do in an L1 block: mine on their own branch, slash, and bring their branch back."""
        tree = self._tree
        for lowest in self._piles:
            if self.now >= lowest.at + self._falls_after and lowest.number not in tree.slashed:
                tree.slash(lowest)
        if self.now >= self._honest[-1].at + self._interval:
            self._mine()
        if not tree.claim_head(self._honest[-1]):
            tree.contest(self._honest[-1])

    def _mine(self) -> None:
        parent = self._honest[-1]
        self._honest.append(self._tree.propose(parent, HONEST, parent.at + self._interval))

    def _finalize(self, block: Block) -> None:
        if self._tree.tip.number == 0 and self._tree.can_finalize(block, self._is_judged):
            self._tree.finalize(block)

    def _is_judged(self, block: Block) -> bool:
        """Garbage never is: it is slashed before, however long a demand about it stays open."""
        valid = block is self._own or block.miner == HONEST
        return valid and self.now >= block.at + CHALLENGE_WINDOW


def attacks(outweighs: bool, honest: int, budget: int) -> tuple[Shaded, ...]:
    """Returns what comes of each attack on a chain of so many honest blocks that are not final."""
    found = []
    for falls_after, lasting, margin in itertools.product((QUICK, SLOW, STRETCHED), (False, True), MARGINS):
        found.append(Shade(outweighs, honest, falls_after).run(budget, lasting, margin))
    return tuple(found)
