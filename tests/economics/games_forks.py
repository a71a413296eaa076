"""The game about the head: a coalition's own valid block beside the honest branch, and garbage to pile on it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.economics.games import HONEST_MINER, MINER, PROVER, Game, Move, attempt
from tests.economics.games_books import STEPS, Refused, Rules, State, Status

HONEST_BLOCK, OWN_BLOCK = 1, 2
WALK = STEPS, ("roots", 0), ("nodes", 0), ("leaves", 0)  # the deepest
MINING = 10  # ticks for which honest blocks come, one a tick


class Forks(Game):
    """Two blocks on genesis, both right and attested to; the honest mine on the first.

    Args:
        rules: of the money.
        slow: whether garbage has to be walked down, for four answer windows; else it is proven in two ticks.
        margins: honest blocks to come that a pile may outweigh, besides those that are there.
    """

    def __init__(self, rules: Rules, slow: bool, margins: tuple[int, ...] = (0, 8)) -> None:
        super().__init__(rules, verifiers=2)
        self._slow, self._margins = slow, margins
        for miner in (HONEST_MINER, MINER):
            self.ledger.propose(miner, 0)
        self._tip = HONEST_BLOCK
        self._piles: tuple[int, ...] = ()  # the lowest block of each
        self._attest()

    def moves(self) -> Iterator[Move]:
        """Piles of garbage, and what makes something of them."""
        for margin in self._margins:
            yield f"pile {margin}", partial(pile, margin=margin)
        yield "finalize", lambda game: game.ledger.finalize(MINER, OWN_BLOCK)
        yield "claim", lambda game: game.ledger.claim_head(MINER, OWN_BLOCK)
        yield "contest", lambda game: game.ledger.contest(MINER, OWN_BLOCK)
        if self._piles:
            yield "commit", lambda game: game.ledger.commit(PROVER, _forks(game).lowest)
            yield "prove", lambda game: game.ledger.prove(PROVER, _forks(game).lowest)
        yield "hold", lambda game: game.ledger.demand(PROVER, HONEST_BLOCK, ("steps", 0))

    @property
    def lowest(self) -> int:
        """The lowest block of the last pile."""
        return self._piles[-1]

    def pile(self, margin: int) -> None:
        """Outweighs the head and what the honest are about to add, with garbage on the coalition's own block."""
        tree = self.ledger.tree
        if self.ledger.facts[OWN_BLOCK].status is Status.ORPHANED:
            raise Refused("its own block has lost")
        enough = tree.head.total_work + margin * (tree.blocks[self._tip].total_work // tree.blocks[self._tip].height)
        below = OWN_BLOCK
        while tree.blocks[below].total_work <= enough:
            below = self.ledger.propose(MINER, below, right=False)
            if tree.blocks[below].parent == OWN_BLOCK:
                self._piles = (*self._piles, below)

    def respond(self) -> None:
        """The honest slash what is wrong, mine on their branch, bring it back, and make it final."""
        made = self.ledger
        for lowest in self._piles:
            if not self._slow or self._is_walked_down(lowest):
                attempt(partial(made.commit, self.honest[0], lowest))
                attempt(partial(made.prove, self.honest[0], lowest))
        if made.now < MINING * self.tick and made.tree.is_live(made.tree.blocks[self._tip]):
            self._tip = made.propose(HONEST_MINER, self._tip)
        self._attest()
        if not attempt(partial(made.claim_head, self.honest[0], self._tip)) and made.rules.outweighs:
            attempt(partial(made.contest, self.honest[0], self._tip))
        for key, demand in list(made.demands.items()):
            if key[0] == HONEST_BLOCK and made.now < demand.deadline:
                attempt(partial(made.answer, HONEST_MINER, key))
        for block in list(made.facts):
            attempt(partial(made.finalize, HONEST_MINER, block))
            attempt(partial(made.orphan, HONEST_MINER, block))

    def _is_walked_down(self, block: int) -> bool:
        """Whether a walk has come to its end: each answer in the last tick, each demand at once."""
        made, who = self.ledger, self.honest[0]
        for position in WALK:
            key = block, "" if made.rules.walks else who, position
            if key not in made.demands:
                attempt(partial(made.demand, who, block, position))
                return False
            if made.demands[key].state is State.OPEN:
                if made.now + self.tick >= made.demands[key].deadline:
                    attempt(partial(made.answer, MINER, key))
                return False
        return True

    def _attest(self) -> None:
        for block, fact in list(self.ledger.facts.items()):
            if fact.right and fact.status is Status.PENDING:
                for who in self.honest:
                    attempt(partial(self.ledger.attest, who, block))


def pile(game: Game, margin: int) -> None:
    """The coalition's garbage."""
    _forks(game).pile(margin)


def _forks(game: Game) -> Forks:
    assert isinstance(game, Forks)
    return game
