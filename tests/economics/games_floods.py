"""The game about time: a flood of demands about one block, so that what is wrong with the next stays open."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.economics.games import MINER, PROVER, Game, Move, attempt, each, overdue, parameters
from tests.economics.games_books import Refused, Rules
from tests.economics.games_disputes import GARBAGE, Disputes


class Floods(Disputes):
    """A right block of the coalition's, demands about it, and garbage on the head or beside it."""

    def __init__(self, rules: Rules, verifiers: int, flood: int) -> None:
        super().__init__(rules, verifiers, accomplices=0)
        self.floods = (1, flood)
        self._garbage = 0

    def moves(self) -> Iterator[Move]:
        """A flood, what ends it, and garbage."""
        yield from (move for move in super().moves() if move[0].startswith(("demand", "answer")))
        yield "let lapse", lambda game: each(overdue(game.ledger), lambda key: game.ledger.expire(PROVER, key))
        if not self._garbage:
            yield "garbage", lambda game: _floods(game).propose_garbage()

    def propose_garbage(self) -> None:
        """A block that only a walk can show to be wrong."""
        if self.ledger.tree.head.number not in self.ledger.facts:
            raise Refused("on what is final")
        self._garbage = self.ledger.propose(MINER, self.ledger.tree.head.number, right=False)

    def respond(self) -> None:
        """What agents do; their own demands come forward as soon as others are out of the way."""
        self.kind = GARBAGE  # of all that is wrong here
        for key, demand in list(self.ledger.demands.items()):
            if demand.demander in self.honest:
                attempt(partial(self.ledger.hasten, demand.demander, key))
        super().respond()

    def held(self) -> float:
        """Returns how long the garbage stood."""
        bounty = self.ledger.bounties.get(self._garbage)
        if not bounty:
            return 0.0
        return (bounty.slashed_at - self.ledger.tree.blocks[self._garbage].at) / parameters().answer_window


def _floods(game: Game) -> Floods:
    assert isinstance(game, Floods)
    return game
