"""The simulation: a discrete-event loop over finds, L1 blocks and miners that come and go.

Tries are memoryless, so the next find is an exponential race of all miners together. For each block that may have
children, the race is drawn as if all who have the block, its own miner or everybody, looked for a child of it; a find
counts if the drawn miner really builds on that block (thinning). So an event costs the same however many miners there
are; only a new block costs a few vector operations over them.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .attacker_state import AttackerState
from .attackers import Attacker
from .chain import Block, BlockTree, ChainRules, fitting_difficulty, tries_per_block
from .local_view import LocalView
from .network import Miners, Network
from .outcome import Outcome

Progress = Callable[[int], None]
TICKS = 20  # times per target interval that an attacker looks what waiting has brought it


@dataclass(frozen=True)
class PowerChange:
    """From a height on, only the first ``active`` miners mine; who comes knows the chain."""

    height: int
    active: int


class Simulation:
    """One chain, from genesis on. Everything follows from the arguments; nothing reads a clock."""

    def __init__(
        self,
        rules: ChainRules,
        network: Network,
        miners: Miners,
        seed: int,
        attacker: Attacker | None = None,
        shifts: Sequence[PowerChange] = (),
    ) -> None:
        """Sets the difficulty to what the miners at the start need for the target interval.

        Args:
            rules: of the deployment.
            network: what all miners share.
            miners: the honest ones.
            seed: of all chance.
            attacker: one more, if any; its share of power is that at the start.
            shifts: when how many miners mine, in order of height.
        """
        self._network, self._miners, self._attacker = network, miners, attacker
        self._draw = np.random.default_rng(seed)
        self._shifts = list(shifts)
        self._active = self._shifts.pop(0).active if self._shifts and not self._shifts[0].height else len(miners)
        honest = float(miners.power[: self._active].sum())
        self._attack_power = honest * attacker.share / (1 - attacker.share) if attacker else 0.0
        searching = max(1.0, (rules.target_interval or ChainRules().target_interval) - network.segment)
        start = fitting_difficulty(honest + self._attack_power, searching)
        self._tree = BlockTree(rules, min(max(start, rules.minimum), rules.maximum))
        self._sight = LocalView(self._tree.blocks[0], miners.check, network.segment)
        self._now, self._since = 0.0, 0.0
        self._races: list[tuple[Block, int | None, float]] | None = None  # until the view or the power changes
        self._honest = 0.0
        self._tries = np.zeros(len(miners) + 1)  # by miner, the attacker last
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._count_power()
        self._ticking = False
        self._attack_state = AttackerState(attacker, self._attack_power, rules, network.segment) if attacker else None
        if attacker:
            attacker.start(self._tree.blocks[0])
            self._adjust_attack()

    def run(self, blocks: int, progress: Progress | None = None, patience: int = 100) -> Outcome:
        """Runs until the chain has so many blocks. One that drowns in orphans ends early.

        Args:
            blocks: height at which it ends.
            progress: is told the height now and then.
            patience: orphans beyond one per block after which the chain is given up.
        """
        told = 0
        while self._tree.head.height < blocks and len(self._tree.blocks) <= 2 * self._tree.head.height + patience:
            self._step()
            if progress and self._tree.head.height >= told + 100:
                told = self._tree.head.height
                progress(told)
        self._count_tries()
        return Outcome.of(self._tree, self._tries, self._now)

    # --- the loop ---

    def _step(self) -> None:
        """Goes on to the next find or the next thing in the queue, whichever is first."""
        if self._races is None:
            self._races = [(block, author, self._rate(block, author)) for block, author in self._sight.options()]
            self._honest = sum(rate for _, _, rate in self._races)
        races, honest = self._races, self._honest
        attack = (
            self._attack_state.power / tries_per_block(self._attack_state.difficulty)
            if self._attack_state and self._attack_state.on
            else 0.0
        )
        found = self._now + self._draw.exponential(1 / (honest + attack))
        if self._queue and self._queue[0][0] <= found:
            at, _, action = heapq.heappop(self._queue)
            self._pass(at)
            action()
            return
        self._pass(found)
        drawn = self._draw.random() * (honest + attack)
        for block, author, rate in races:
            if drawn < rate:
                miner = self._anybody() if author is None else author
                if self._sight.head(miner, found) is block:
                    self._honest_find(miner, block)
                return
            drawn -= rate
        if attack:
            self._attack_find()

    def _rate(self, block: Block, author: int | None) -> float:
        """Children per second that a block would have, if all who have it looked for one."""
        if author is not None:
            power = float(self._miners.power[author]) if author < self._active else 0.0
        else:
            power = self._cumulative[-1]
        return power / tries_per_block(block.next_difficulty)

    def _anybody(self) -> int:
        """Draws a miner in proportion to power."""
        return bisect_right(self._cumulative, self._draw.random() * self._cumulative[-1])

    def _pass(self, at: float) -> None:
        if self._attack_state and self._attack_state.mines:  # while it trains, too, as all miners' tries do
            self._tries[-1] += self._attack_state.power * (at - self._now)
        self._now = at

    def _at(self, time: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (time, next(self._order), action))

    # --- honest miners ---

    def _honest_find(self, miner: int, parent: Block) -> None:
        attacker = self._attacker
        if attacker and attacker.front_running and self._draw.random() < attacker.front_running:
            attacker.foresees(parent.height + 1, self)
        block = self._tree.propose(parent, miner, self._network.slot_after(self._now))
        self._sight.found(block, self._now)
        self._races = None
        self._at(self._network.shown(block.at), lambda: self._show(block))
        if attacker:
            self._at(block.at, lambda: self._attacker_sees(block))
        self._shift()

    def _show(self, block: Block) -> None:
        self._sight.show(block, self._now)
        self._sight.forget(self._active, self._now)
        self._races = None

    def _shift(self) -> None:
        while self._shifts and self._tree.head.height >= self._shifts[0].height:
            self._count_tries()
            before, self._active = self._active, self._shifts.pop(0).active
            self._sight.join(before, max(before, self._active), self._now)
            self._count_power()

    def _count_power(self) -> None:
        self._races = None
        self._cumulative: list[float] = np.cumsum(self._miners.power[: self._active]).tolist()

    def _count_tries(self) -> None:
        self._tries[: self._active] += self._miners.power[: self._active] * (self._now - self._since)
        self._since = self._now

    # --- the attacker, and what it can do (attackers.World) ---

    def publish(self, parent: Block) -> Block:
        """Proposes a block of the attacker's."""
        block = self._tree.propose(parent, len(self._miners), self._network.slot_after(self._now))
        self._sight.found(block, self._now)
        self._races = None
        self._at(self._network.shown(block.at), lambda: self._show(block))
        self._shift()
        return block

    def wake(self, at: float) -> None:
        """Asks for a call of ``woke``."""
        self._at(at, self._attacker_wakes)

    def _attack_find(self) -> None:
        assert self._attacker is not None
        self._attacker.found(self, self._now)
        self._adjust_attack()

    def _attacker_sees(self, block: Block) -> None:
        assert self._attacker is not None
        self._attacker.saw(block, self, self._now)
        self._adjust_attack()

    def _attacker_wakes(self) -> None:
        assert self._attacker is not None
        self._attacker.woke(self, self._now)
        self._adjust_attack()

    def _adjust_attack(self) -> None:
        assert self._attacker is not None and self._attack_state is not None
        next_slot = self._network.slot_after(self._now)
        if self._attack_state.adjust(self._now, next_slot):
            self._at(self._attack_state.begins, self._adjust_attack)
        if self._attacker.hidden and self._tree.rules.target_interval and not self._ticking:
            self._ticking = True
            self._at(max(next_slot, self._now + self._tree.rules.target_interval / TICKS), self._tick)

    def _tick(self) -> None:
        """The longer the attacker waits, the easier what it is looking for gets."""
        assert self._attack_state is not None
        self._ticking = False
        self._adjust_attack()
        if self._draw.random() < self._attack_state.ripens(self._now):
            self._attack_find()
