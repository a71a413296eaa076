"""Small games: a coalition tries everything, in every order, against players that keep to the rules.

The coalition moves first in every L1 block, as whoever reads the mempool can; then the honest do what agents do. At the
end everything is settled, and counted: what the coalition has won in ETH, its gas included (honest play wins none), and
what each honest party has lost besides its gas.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.simulate.chain import ChainRules as Pace
from pol_oracle.simulate.scenarios.finality import JudgedTree
from pol_oracle.task_file import load_spec
from tests.economics.games_books import BITS, STEPS, Key, Position, Refused, Rules, State, Status
from tests.economics.games_ledger import Ledger

OLD = Rules(walks=False, lapses_burn=False, outweighs=False)
NEW = Rules(walks=True, lapses_burn=True, outweighs=True)
ETH, PRICE = 10**18, 6 * 10**9  # wei; wei per gas
MEASURED = Path(__file__).parents[1] / "bench" / "gas.json"
GAS: dict[str, int] = {  # as `make gas` measures it; of a proof and an answer the dearest that agents meet
    **{name.removeprefix("gas."): used for name, used in json.loads(MEASURED.read_text()).items()},
    "prove": 2_158_036,
    "answer": 2_694_390,
}
STEP_COUNT = 256  # of a segment: so many positions hang on the list of steps
PATIENCE = 12  # answers that an attester gave for a silent miner under the old rules, since a fee is 0.02 of its bond
HONEST_MINER, MINER, PROVER = "honest miner", "x miner", "x prover"

Move = tuple[str, Callable[["Game"], None]]


@lru_cache
def parameters() -> Parameters:
    """Those of tasks/devnet.toml."""
    return load_spec(Path(__file__).parents[2] / "tasks" / "devnet.toml").parameters()


def ledger(rules: Rules) -> Ledger:
    """A deployment at which nothing has happened yet; a block is wanted every window."""
    window = parameters().challenge_window
    return Ledger(rules, parameters(), JudgedTree(Pace(window, 6 * window), 20 * BIT, rules.outweighs))


@dataclass(frozen=True)
class End:
    """What came of a game.

    Attributes:
        moves: what the coalition did.
        gain: ETH that it has more than before, its gas included.
        loss: ETH that the worst-off honest party lost besides its gas.
        orphans: honest blocks that lost their race or their parent.
        held: answer windows for which something wrong stood that honest verifiers were after.
    """

    moves: tuple[str, ...]
    gain: float
    loss: float
    orphans: int
    held: float


class Game:
    """A position in a game. Subclasses say what the coalition can do, and what the honest answer.

    Attributes:
        ledger: the money.
        honest: names of the honest verifiers, each with a bond.
        done: the moves so far.
        fresh: whether the last of them was made in this tick.
    """

    tick = parameters().answer_window // 2

    def __init__(self, rules: Rules, verifiers: int) -> None:
        self.ledger = ledger(rules)
        self.honest = tuple(f"verifier {i}" for i in range(verifiers))
        self.done: tuple[str, ...] = ()
        self.fresh = True
        self._turn = 0

    def moves(self) -> Iterator[Move]:
        """Yields what the coalition can try now; what is refused is no move."""
        raise NotImplementedError

    def respond(self) -> None:
        """The honest do what agents do."""
        raise NotImplementedError

    def copy(self) -> Game:
        """Returns one that goes on by itself."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.ledger = self.ledger.copy()
        return other

    def after(self, move: Move) -> Game | None:
        """Returns the game after a move of the coalition, or None if it is refused."""
        name, act = move
        game = self.copy()
        try:
            act(game)
        except Refused:
            return None
        game.done, game.fresh = (*self.done, name), True
        return game

    def next(self) -> Game:
        """Returns the game one tick later."""
        game = self.copy()
        game.respond()
        game.fresh = False
        game.ledger.wait(self.tick)
        return game

    def signature(self) -> object:
        """Two positions with the same one differ in money spent alone."""
        made = self.ledger
        demands = tuple(sorted((k, d.state.value, d.deadline, d.responder, d.false) for k, d in made.demands.items()))
        facts = tuple(made.facts.items())
        tree = made.tree.head.number, made.tree.tip.number, tuple(rival.number for rival in made.tree.rivals)
        marks = tuple(sorted(made.commitments)), tuple(sorted(made.fallen)), tuple(made.queues.items())
        return made.now, facts, demands, tree, marks, self.counted().loss > 0

    def end(self, most_ticks: int = 400) -> End:
        """Plays on without the coalition until everything is settled."""
        game = self.copy()
        while any(fact.status is Status.PENDING for fact in game.ledger.facts.values()) and most_ticks:
            game.respond()
            game.ledger.wait(self.tick)
            most_ticks -= 1
        game.ledger.wait(parameters().reveal_window)
        settle(game.ledger)
        return game.counted()

    def held(self) -> float:
        """Returns for how many answer windows something wrong stood; most games do not ask."""
        return 0.0

    def counted(self) -> End:
        """Counts what everybody has."""
        made = self.ledger
        gas: dict[str, int] = {}
        for (who, call), count in made.spent.items():
            gas[who] = gas.get(who, 0) + count * GAS[call] * PRICE
        mine = sum(v for who, v in made.worth.items() if who.startswith("x "))
        mine -= sum(v for who, v in gas.items() if who.startswith("x "))
        lost = [-v for who, v in made.worth.items() if not who.startswith("x ")]
        orphans = sum(f.status is Status.ORPHANED and f.miner == HONEST_MINER for f in made.facts.values())
        return End(self.done, mine / ETH, max([*lost, 0]) / ETH, orphans, self.held())


def settle(made: Ledger) -> None:
    """Everybody gets what it is entitled to; whoever settles pays for it, which is left out."""
    for block, fact in list(made.facts.items()):
        if fact.status is Status.PENDING:
            continue
        if fact.status is Status.SLASHED:
            made.forfeit_bond("anybody", block)
        for attester in fact.attesters:
            made.settle_attestation("anybody", block, attester)
    for key, demand in list(made.demands.items()):
        if demand.state is not State.SETTLED and made.facts[key[0]].status is not Status.PENDING:
            made.settle("anybody", key)


def play(start: Game, moves: int, ticks: int) -> Iterator[End]:
    """Plays every sequence of so many moves in so many ticks, and yields how each ends.

    Positions that differ in money alone are played on once, from where the coalition has most.
    """
    layer: list[Game] = [start]
    for _ in range(ticks):
        best: dict[object, Game] = {}
        for game in layer:
            for reached in _within_a_tick(game, moves):
                key = reached.signature()
                if key not in best or _money(reached) > _money(best[key]):
                    best[key] = reached
        for game in best.values():
            if game.fresh:
                yield game.end()
        layer = [game.next() for game in best.values() if len(game.done) < moves]


def _within_a_tick(game: Game, moves: int) -> Iterator[Game]:
    yield game
    if len(game.done) >= moves:
        return
    for move in game.moves():
        after = game.after(move)
        if after is not None:
            yield from _within_a_tick(after, moves)


def _money(game: Game) -> float:
    end = game.counted()
    return end.gain


def each(keys: list[Key], act: Callable[[Key], None]) -> None:
    """Does something to each of some demands; to none is no move."""
    done = [key for key in keys if attempt(partial(act, key))]
    if not done:
        raise Refused("nothing there")


def attempt(act: Callable[[], object]) -> bool:
    """Does what may be refused; says whether it was not."""
    try:
        act()
    except Refused:
        return False
    return True


def overdue(made: Ledger) -> list[Key]:
    """Returns the demands that ran out."""
    pending = (k for k, d in made.demands.items() if d.state is State.OPEN and made.now >= d.deadline)
    return [key for key in pending if made.facts[key[0]].status is Status.PENDING]


def fresh(made: Ledger, block: int, count: int) -> Iterator[Position]:
    """Yields so many positions of a block that can be demanded: those that hang on the header, then what is below."""
    if not made.rules.walks:
        yield from itertools.repeat(STEPS, count)  # everybody could demand the same
        return
    known = {key[2] for key in made.demands if key[0] == block}
    below = ((name, i) for name in ("roots", "sample") for i in range(STEP_COUNT))
    left = (name for name in itertools.chain((STEPS, BITS), below) if name not in known)
    yield from itertools.islice(left, count)
