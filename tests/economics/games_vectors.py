"""Games drawn at random, as vectors: ``tests/solidity/system/Games.t.sol`` plays them on the contracts.

    python -m tests.economics.games_vectors        writes tests/golden/games.json

A row is (call, account, block, kind of position, its number, whether it goes through, head, final tip); of a wait the
account is the seconds. Whatever the ledger refuses for what a block is by decree is left out.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.simulate.chain import ChainRules as Pace
from pol_oracle.simulate.scenarios.finality import JudgedTree
from tests.economics.games import NEW
from tests.economics.games_books import BITS, STEPS, Key, Position, Refused, State
from tests.economics.games_ledger import Ledger

TARGET = Path(__file__).parents[1] / "golden" / "games.json"
GAMES, CALLS = 48, 120
ACCOUNTS = tuple(f"account {i}" for i in range(6))
ETH = 10**18
KINDS = ("steps", "bits", "roots", "sample")
SHOWN = ("steps", "bits", "sample")  # what the fixture can answer
WEIGHTS = {  # calls, in the order of their numbers, and how often each is drawn
    "wait": 6,
    "propose": 4,
    "attest": 9,
    "claimHead": 2,
    "contest": 3,
    "finalize": 9,
    "orphan": 4,
    "commit": 1,
    "prove": 3,
    "forfeitBond": 3,
    "settleAttestation": 6,
    "demand": 8,
    "answer": 10,
    "expire": 3,
    "settle": 5,
    "commitRefute": 5,
    "refute": 8,
    "reopen": 3,
    "hasten": 3,
}
CODES = tuple(WEIGHTS)
MOST_BLOCKS = 6
BY_DECREE = ("nothing to prove", "nothing to refute")


def parameters() -> Parameters:
    """Those of ``tests/solidity/fixtures/Fixture.sol``."""
    return Parameters(100, 20, 48, 2, 4 * BIT, 4 * BIT, 4 * BIT, 0, 0, ETH, ETH // 4, ETH // 100, 14 * ETH, ETH // 5)


@dataclass(frozen=True)
class Call:
    """One call, and what it does to the ledger."""

    name: str
    account: int
    block: int
    position: Position
    act: Callable[[Ledger], object]


def draw(made: Ledger, chance: random.Random) -> Call:
    """Draws a call that might go through."""
    blocks, account = [0, *made.facts], chance.randrange(len(ACCOUNTS))
    name = chance.choices(CODES, list(WEIGHTS.values()))[0]
    if name == "propose" and len(blocks) > MOST_BLOCKS:
        name = "wait"
    who, block = ACCOUNTS[account], chance.choice(blocks)
    position = chance.choice((STEPS, BITS, ("roots", chance.randrange(2)), ("sample", chance.randrange(2))))
    key: Key = (block, "", position)
    if name in ("answer", "expire", "settle", "refute", "reopen", "hasten", "commitRefute") and made.demands:
        open_ = [k for k, d in made.demands.items() if d.state is State.OPEN]
        shown = [k for k, d in made.demands.items() if d.state is State.SHOWN and k[2][0] == "sample"]
        fits = {"answer": open_, "hasten": open_, "expire": open_, "refute": shown, "reopen": shown}.get(name)
        key = chance.choice(fits or list(made.demands))
        block, position = key[0], key[2]
    if name == "answer" and position[0] not in SHOWN:
        name = "expire"
    if name in ("refute", "reopen", "commitRefute") and position[0] != "sample":
        name = "demand"
    bold = [c for c in made.commitments if (c[2][1] >= 0) == (name == "refute")]
    if name in ("prove", "refute") and bold:
        account, block, position = (lambda c: (ACCOUNTS.index(c[0]), c[1], c[2]))(chance.choice(bold))
        who, key = ACCOUNTS[account], (block, "", position)
        position = position if name == "refute" else STEPS
    if name == "settleAttestation" and block in made.facts and made.facts[block].attesters:
        account = ACCOUNTS.index(chance.choice(made.facts[block].attesters))
    attester = ACCOUNTS[account]
    right, false = chance.random() < 0.5, chance.random() < 0.5
    calls: dict[str, Callable[[Ledger], object]] = {
        "propose": lambda m: m.propose(who, block, right=right),
        "attest": lambda m: m.attest(who, block),
        "claimHead": lambda m: m.claim_head(who, block),
        "contest": lambda m: m.contest(who, block),
        "finalize": lambda m: m.finalize(who, block),
        "orphan": lambda m: m.orphan(who, block),
        "commit": lambda m: m.commit(who, block),
        "prove": lambda m: m.prove(who, block),
        "forfeitBond": lambda m: m.forfeit_bond(who, block),
        "settleAttestation": lambda m: m.settle_attestation(who, block, attester),
        "demand": lambda m: m.demand(who, block, position),
        "answer": lambda m: m.answer(who, key, false=position[0] == "sample" and false),
        "expire": lambda m: m.expire(who, key),
        "settle": lambda m: m.settle(who, key),
        "commitRefute": lambda m: m.commit(who, block, position[1]),
        "refute": lambda m: m.refute(who, key),
        "reopen": lambda m: m.reopen(who, key),
        "hasten": lambda m: m.hasten(who, key),
    }
    if name == "wait":
        seconds = chance.choice((1, 1, 12, 25, 48, 110))
        return Call(name, seconds, 0, STEPS, lambda m: m.wait(seconds))
    return Call(name, account, block, position, calls[name])


def opening() -> list[Call]:
    """Samples of a block explained falsely by one account, the last one ended too late.

    Chance hardly ever comes to that.
    """
    first, second, third = ((1, "", ("sample", number)) for number in range(3))
    return [
        Call("propose", 0, 0, STEPS, lambda m: m.propose(ACCOUNTS[0], 0)),
        Call("demand", 1, 1, BITS, lambda m: m.demand(ACCOUNTS[1], 1, BITS)),
        Call("answer", 0, 1, BITS, lambda m: m.answer(ACCOUNTS[0], (1, "", BITS))),
        Call("demand", 1, 1, first[2], lambda m: m.demand(ACCOUNTS[1], 1, first[2])),
        Call("demand", 2, 1, second[2], lambda m: m.demand(ACCOUNTS[2], 1, second[2])),
        Call("demand", 4, 1, third[2], lambda m: m.demand(ACCOUNTS[4], 1, third[2])),
        Call("answer", 3, 1, first[2], lambda m: m.answer(ACCOUNTS[3], first, false=True)),
        Call("answer", 3, 1, second[2], lambda m: m.answer(ACCOUNTS[3], second, false=True)),
        Call("answer", 3, 1, third[2], lambda m: m.answer(ACCOUNTS[3], third, false=True)),
        Call("commitRefute", 4, 1, first[2], lambda m: m.commit(ACCOUNTS[4], 1, 0)),
        Call("commitRefute", 4, 1, third[2], lambda m: m.commit(ACCOUNTS[4], 1, 2)),
        Call("wait", 1, 0, STEPS, lambda m: m.wait(1)),
        Call("refute", 4, 1, first[2], lambda m: m.refute(ACCOUNTS[4], first)),
        Call("reopen", 5, 1, second[2], lambda m: m.reopen(ACCOUNTS[5], second)),
        Call("wait", 110, 0, STEPS, lambda m: m.wait(110)),
        Call("refute", 4, 1, third[2], lambda m: m.refute(ACCOUNTS[4], third)),
        Call("reopen", 5, 1, third[2], lambda m: m.reopen(ACCOUNTS[5], third)),
    ]


def game(seed: int) -> dict[str, list[int]]:
    """Plays one game and writes it down; the first one has an opening."""
    chance = random.Random(seed)
    made = Ledger(NEW, parameters(), JudgedTree(Pace(target_interval=0), 4 * BIT, NEW.outweighs))
    rows: list[int] = []
    planned = opening() if seed == 0 else []
    while len(rows) < 8 * CALLS:
        chosen, before = bool(planned), made.copy()
        call = planned.pop(0) if chosen else draw(made, chance)
        number = witness_of(made, call) if call.name == "finalize" else call.position[1]
        try:
            call.act(made)
            went = 1
        except (Refused, KeyError) as error:
            made, went = before, 0
            if isinstance(error, KeyError) or str(error) in BY_DECREE or (not chosen and chance.random() < 0.8):
                continue
        ends = made.tree.head.number, made.tree.tip.number
        rows += [CODES.index(call.name), call.account, call.block, KINDS.index(call.position[0]), number, went, *ends]
    worth = [100 * ETH + made.worth[who] for who in ACCOUNTS]
    return {"calls": rows, "worth": worth, "burned": [made.burned]}


def witness_of(made: Ledger, call: Call) -> int:
    """Returns the best witness for what is to become final."""
    if call.block == 0:
        return 0
    return made.tree.witness(made.tree.blocks[call.block], made.is_judged).number


def build() -> dict[str, Any]:
    """Returns all games."""
    return {"games": [game(seed) for seed in range(GAMES)]}


def text() -> str:
    """Returns them as the file has them."""
    games = (json.dumps(each, separators=(",", ":")) for each in build()["games"])
    return '{"games":[\n' + ",\n".join(games) + "\n]}\n"


def reached(made: dict[str, Any]) -> set[str]:
    """Returns which calls went through in any game."""
    rows = ((g["calls"][i], g["calls"][i + 5]) for g in made["games"] for i in range(0, len(g["calls"]), 8))
    return {CODES[code] for code, went in rows if went}


if __name__ == "__main__":
    TARGET.write_text(text())
