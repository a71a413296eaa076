"""The game about one block: who attests, demands, answers, explains, commits, proves, lets lapse."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pol_oracle.simulate.chain import Block
from tests.economics.games import (
    GAS,
    HONEST_MINER,
    MINER,
    PATIENCE,
    PRICE,
    PROVER,
    Game,
    Move,
    attempt,
    each,
    fresh,
    overdue,
    parameters,
)
from tests.economics.games_books import STEPS, Demand, Fact, Key, Rules, State, Status

BLOCK = 1
RIGHT, WRONG, GARBAGE = "right", "wrong", "garbage"


class Disputes(Game):
    """One block: right, with an honest one on it, or wrong in a way that is proven at once, or to be walked down.

    Args:
        rules: of the money.
        verifiers: honest ones.
        accomplices: attesters of the coalition.
        kind: of the block.
        miner: who made it.
    """

    def __init__(self, rules: Rules, verifiers: int, accomplices: int, kind: str = RIGHT, miner: str = MINER) -> None:
        super().__init__(rules, verifiers)
        self.kind = kind
        self._explained = False  # whether anything was explained falsely
        self._accomplices = tuple(f"x attester {i}" for i in range(accomplices))
        self.floods = (1, PATIENCE * (verifiers + (miner == HONEST_MINER) * 4) + 1)
        self.ledger.propose(miner, 0, right=kind == RIGHT)
        if kind == RIGHT:
            self.ledger.propose(HONEST_MINER, BLOCK)

    def moves(self) -> Iterator[Move]:
        """Everything that a coalition can do about the block."""
        if self._accomplices:
            yield "attest", lambda game: _disputes(game).attest()
        for count in self.floods:
            yield f"demand {count}", partial(flood, count=count)
        yield "answer", lambda game: _disputes(game).answer_all()
        yield "let lapse", lambda game: each(overdue(game.ledger), lambda key: game.ledger.expire(PROVER, key))
        if self.ledger.rules.walks:
            yield "explain falsely", lambda game: _disputes(game).explain_falsely()
        if self.kind != RIGHT:
            yield "commit", lambda game: game.ledger.commit(PROVER, BLOCK)
            yield "prove", lambda game: game.ledger.prove(PROVER, BLOCK)

    def attest(self) -> None:
        """All accomplices attest."""
        for who in self._accomplices:
            self.ledger.attest(who, BLOCK)

    def answer_all(self) -> None:
        """The miner answers what is open."""
        each(self._open(), lambda key: self.ledger.answer(MINER, key))

    def explain_falsely(self) -> None:
        """An accomplice explains samples, falsely."""
        self._explained = True
        samples = [key for key in self._open() if key[2][0] == "sample"]
        each(samples, lambda key: self.ledger.answer(PROVER, key, false=True))

    def respond(self) -> None:
        """What agents do about each pending block."""
        for block, fact in list(self.ledger.facts.items()):
            if fact.status is not Status.PENDING:
                continue
            if fact.right:
                self._stand_by(block)
            else:
                self._prosecute(block)
            self._tidy(block)
            attempt(partial(self.ledger.finalize, HONEST_MINER, block))
            attempt(partial(self.ledger.orphan, HONEST_MINER, block))

    def _open(self) -> list[Key]:
        return [k for k, d in self.ledger.demands.items() if k[0] == BLOCK and d.state is State.OPEN]

    # --- the honest ---

    def _stand_by(self, block: int) -> None:
        """Attests to a right block, answers and explains for it, and shows explanations to be false."""
        made, fact = self.ledger, self.ledger.facts[block]
        here = made.tree.blocks[block]
        if not fact.open and set(self.honest) <= set(fact.attesters) and not self._explained:
            return
        open_ = [d for k, d in made.demands.items() if k[0] == block and d.state is State.OPEN]
        if made.tree.is_live(here) and not any(self._is_late(d) for d in open_) and self._is_timely(here):
            for who in self.honest:
                attempt(partial(made.attest, who, block))
        for key, demand in list(made.demands.items()):
            if key[0] == block and demand.state is State.OPEN and made.now < demand.deadline:
                self._answer(key, demand, fact)
            elif key[0] == block and demand.state is State.SHOWN and demand.false:
                attempt(partial(made.commit, self.honest[0], block, key[2][1]))
                attempt(partial(made.refute, self.honest[0], key))
                attempt(partial(made.reopen, self.honest[0], key))

    def _answer(self, key: Key, demand: Demand, fact: Fact) -> None:
        """The miner answers at once; attesters in turns where it is silent, while that costs less than their bond."""
        if fact.miner == HONEST_MINER and self._may_answer(HONEST_MINER, 4 * PATIENCE):
            self.ledger.answer(HONEST_MINER, key)
        elif self._is_late(demand):
            attesters = [who for who in self.honest if who in self.ledger.facts[key[0]].attesters]
            able = [who for who in attesters if self._may_answer(who, PATIENCE)]
            if able:
                self._turn += 1
                self.ledger.answer(able[self._turn % len(able)], key)

    def _may_answer(self, who: str, most: int) -> bool:
        """By number under the old rules. Under the new by cost: a fee that pays for an answer is no reason to stop."""
        given = self.ledger.spent[who, "answer"]
        if not self.ledger.rules.walks:
            return given < most
        net = (given + 1) * (GAS["answer"] * PRICE - parameters().demand_fee)
        return net < parameters().attest_bond

    def _is_late(self, demand: Demand) -> bool:
        return 2 * (demand.deadline - self.ledger.now) <= parameters().answer_window

    def _is_timely(self, block: Block) -> bool:
        return self.ledger.now < block.at + parameters().challenge_window // 2

    def _tidy(self, block: int) -> None:
        """What nobody else ends is ended after a while, or a block would hold up the chain for ever."""
        if not self.ledger.facts[block].open:
            return
        made, patience = self.ledger, 2 * parameters().answer_window
        late = [k for k in overdue(made) if k[0] == block and made.now >= made.demands[k].deadline + patience]
        for key in late:
            attempt(partial(made.expire, self.honest[0], key))

    def _prosecute(self, block: int) -> None:
        """Proves a block wrong, or demands what the proof needs."""
        made, who = self.ledger, self.honest[0]
        shown = made.demands.get((block, "" if made.rules.walks else who, STEPS))
        if self.kind == GARBAGE and (shown is None or shown.state is State.OPEN):
            attempt(partial(made.demand, who, block, STEPS))
            mine = [k for k in overdue(made) if k[0] == block]
            if mine:
                each(mine, lambda key: made.expire(who, key))
            return
        attempt(partial(made.commit, who, block))
        attempt(partial(made.prove, who, block))


def flood(game: Game, count: int) -> None:
    """So many accounts demand something of the block."""
    begun = len(game.ledger.demands)
    for i, position in enumerate(fresh(game.ledger, BLOCK, count)):
        game.ledger.demand(f"x demander {begun + i}", BLOCK, position)


def _disputes(game: Game) -> Disputes:
    assert isinstance(game, Disputes)
    return game
