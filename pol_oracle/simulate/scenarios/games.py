"""The search for a sequence of delays with which an attacker gains from retargeting.

Why none should be found: a block's timestamp is that of the L1 block that it is proposed in, so an attacker cannot lie
about time, only be late. In bits a delay of d seconds moves the next difficulty by -d / half-life and, since the block
after it then came d seconds sooner, the one after that by +d / half-life: the moves telescope, and the difficulty at
the end of a branch depends on its length and its duration alone, not on the times in between. What is left is one
easier block per delay; the attacker has to win it while it risks the block that it delays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..attackers import Withholder
from ..chain import ChainRules
from ..engine import Simulation
from ..network import Network, alike

IDEAL = Network(confirmations=0, segment=0)
ENDLESS = (math.inf,)
CHOICES = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, math.inf)  # delays, in target intervals
LENGTH = 4
FINALISTS = 3


@dataclass(frozen=True)
class Game:
    """A strategy of delays; see ``Withholder``. ``delays`` are in target intervals."""

    share: float
    front_running: float
    delays: tuple[float, ...]
    burst: int = 1 << 30

    def worth(self, rules: ChainRules, blocks: int, seed: int) -> float:
        """Returns what the attacker gets per try, where an honest miner gets 1, without delays in the network."""
        scale = rules.target_interval or ChainRules().target_interval
        delays = [delay * scale for delay in self.delays]
        attacker = Withholder(self.share, delays, self.burst, self.front_running)
        return Simulation(rules, IDEAL, alike(1, check=0), seed, attacker).run(blocks).attackers_worth


@dataclass(frozen=True)
class Found:
    """The best game of a search.

    Attributes:
        game: the game.
        gain: what it gains over mining honestly and over withholding at a fixed difficulty, whichever pays more; on
            seeds that the search did not see.
        withholding: what withholding alone pays, per try of an honest miner.
    """

    game: Game
    gain: float
    withholding: float


def search(share: float, front_running: float, rules: ChainRules, blocks: int, seed: int, tries: int) -> Found:
    """Looks for the game that pays most: a family of simple ones, random ones, then changes of the best.

    Args:
        share: the attacker's part of all power.
        front_running: its gamma.
        rules: of the deployment.
        blocks: a game is judged on a fifth of them, and the best few anew on three times as many.
        seed: of all chance.
        tries: random games, and as many changes.
    """
    draw = np.random.default_rng(seed)
    plain = Game(share, front_running, ENDLESS)
    judged: dict[Game, float] = {}

    def judge(game: Game) -> None:
        if game not in judged:
            judged[game] = game.worth(rules, max(1, blocks // 5), seed)

    for game in _family(plain):
        judge(game)
    for _ in range(tries):
        judge(replace(plain, delays=tuple(float(x) for x in draw.choice(CHOICES, LENGTH))))
    for _ in range(tries):
        judge(_changed(max(judged, key=judged.__getitem__), draw))
    finalists = sorted(judged, key=judged.__getitem__)[-FINALISTS:]
    worths = {game: _mean(partial(game.worth, rules, blocks), seed) for game in finalists}
    best = max(worths, key=worths.__getitem__)
    withholding = _mean(partial(plain.worth, replace(rules, target_interval=0), blocks), seed)
    return Found(best, worths[best] / max(1.0, withholding) - 1, withholding)


def _family(plain: Game) -> Iterator[Game]:
    for delay in CHOICES[1:]:
        yield replace(plain, delays=(delay,))
        yield replace(plain, delays=(delay, 0.0))
    for burst in (2, 3, 5):
        yield replace(plain, burst=burst)


def _changed(game: Game, draw: np.random.Generator) -> Game:
    """One delay of the game changed."""
    delays = [game.delays[i % len(game.delays)] for i in range(LENGTH)]
    delays[draw.integers(LENGTH)] = float(draw.choice(CHOICES))
    return replace(game, delays=tuple(delays))


def _mean(worth: Callable[[int], float], seed: int) -> float:
    return float(np.mean([worth(seed + 1000 + i) for i in range(3)]))
