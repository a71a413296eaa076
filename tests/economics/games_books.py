"""What the ledger of the games remembers: of blocks, demands, bounties, and whose money went where."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Self

from pol_oracle.protocol.parameters import Parameters
from pol_oracle.simulate.chain import Block
from pol_oracle.simulate.scenarios.finality import JudgedTree

QUEUE_SHARE, PAY_SHARE = 16, 8
Position = tuple[str, int]  # what is demanded, and of which step or sample
STEPS, BITS = ("steps", 0), ("bits", 0)


class Refused(Exception):
    """The contracts would revert."""


class Status(Enum):
    """Of a block."""

    PENDING = auto()
    FINAL = auto()
    SLASHED = auto()
    ORPHANED = auto()


class State(Enum):
    """Of a demand, or of an evaluation that was demanded."""

    OPEN = auto()
    SHOWN = auto()
    EXPIRED = auto()
    SETTLED = auto()


@dataclass(frozen=True)
class Rules:
    """Which rules are played.

    Attributes:
        walks: a position is demanded once, below what was shown, by one account at a time, and whoever answers is paid.
            Else everybody may demand everything, and deadlines queue up per miner.
        lapses_burn: attesters of a block that fell by silence lose their bonds to nobody.
        outweighs: what is final has to be better than what its branch displaced; else the head decides.
    """

    walks: bool
    lapses_burn: bool
    outweighs: bool


@dataclass(frozen=True)
class Fact:
    """What the ledger knows of a block besides its place in the tree."""

    miner: str
    right: bool
    status: Status = Status.PENDING
    attesters: tuple[str, ...] = ()
    open: int = 0
    held_until: int = 0
    above_slashed: bool = False
    answers: int = 0  # by others than the miner
    settled: bool = False


@dataclass(frozen=True)
class Bounty:
    """Whose the bonds of a slashed block are."""

    first: str
    prover: str
    order: int
    slashed_at: int
    lapsed: bool


@dataclass(frozen=True)
class Demand:
    """One demand, for a position of a block or for the explanation of a sample."""

    demander: str
    deadline: int
    order: int
    state: State = State.OPEN
    responder: str = ""
    shown_at: int = 0
    false: bool = False  # an explanation that can be refuted: its author loses a bond


Key = tuple[int, str, Position]  # block, demander ("" where a position is demanded once), position


@dataclass
class Books:
    """All that the contracts remember, and what their calls have in common."""

    rules: Rules
    parameters: Parameters
    tree: JudgedTree
    now: int = 1
    l1_block: int = 1
    order: int = 0
    burned: int = 0
    open: int = 0
    worth: Counter[str] = field(default_factory=Counter)
    spent: Counter[tuple[str, str]] = field(default_factory=Counter)  # calls, by account and kind
    facts: dict[int, Fact] = field(default_factory=dict)
    demands: dict[Key, Demand] = field(default_factory=dict)
    commitments: dict[tuple[str, int, Position], tuple[int, int]] = field(default_factory=dict)
    bounties: dict[int, Bounty] = field(default_factory=dict)
    queues: Counter[str] = field(default_factory=Counter)
    fallen: dict[tuple[int, str], int] = field(default_factory=dict)  # whose explanation of a block was refuted, when

    def copy(self) -> Self:
        """Returns one that goes on by itself."""
        other = copy.copy(self)
        for name in ("worth", "spent", "facts", "demands", "commitments", "bounties", "queues", "fallen"):
            setattr(other, name, copy.copy(getattr(self, name)))
        other.tree = self.tree.copy()
        return other

    def wait(self, seconds: int) -> None:
        """The next L1 block, so many seconds later."""
        self.now += seconds
        self.l1_block += 1

    def _block(self, number: int) -> Block:
        return self.tree.blocks[number]

    def _pending(self, block: int) -> Fact:
        check(block in self.facts and self.facts[block].status is Status.PENDING, "not pending")
        return self.facts[block]

    def _slashed(self, block: int) -> tuple[Fact, Bounty]:
        check(block in self.bounties, "not slashed")
        bounty = self.bounties[block]
        check(self.now >= bounty.slashed_at + self.parameters.reveal_window, "bounty not settled")
        return self.facts[block], bounty

    def _open_demand(self, key: Key) -> Demand:
        check(key in self.demands and self.demands[key].state is State.OPEN, "no open demand")
        self._pending(key[0])
        return self.demands[key]

    def _key(self, who: str, block: int, position: Position) -> Key:
        return block, "" if self.rules.walks else who, position

    def _closes(self, who: str, block: int, position: Position) -> int:
        """First second in which a position cannot be demanded any more."""
        end = self._block(block).at + self.parameters.challenge_window
        if not self.rules.walks or position in (STEPS, BITS):
            return end
        parent = self.demands.get((block, "", _parent(position)))
        check(parent is not None and parent.shown_at > 0, "parent not shown")
        assert parent is not None
        return max(end, parent.shown_at + self.parameters.answer_window)

    def _deadline(self, miner: str, others: int | None = None) -> int:
        window = self.parameters.answer_window
        share = max(window // QUEUE_SHARE, 1)
        if self.rules.walks:
            return self.now + window + share * (self.open if others is None else others)
        self.queues[miner] = max(self.now + window, self.queues[miner] + share)
        return self.queues[miner]

    def _reopen(self, key: Key, miner: str) -> None:
        deadline = self._deadline(miner)
        self.demands[key] = replace(self.demands[key], state=State.OPEN, deadline=deadline, responder="", false=False)
        self._open(key[0], 1)

    def _open(self, block: int, change: int) -> None:
        fact = self.facts[block]
        self.facts[block] = replace(fact, open=fact.open + change)
        self.open += change

    def _next_order(self) -> int:
        self.order += 1
        return self.order

    def _committed(self, who: str, block: int, sample: int) -> int:
        key = (who, block, ("sample", sample))
        check(key in self.commitments, "not committed")
        order, l1_block = self.commitments[key]
        check(self.l1_block > l1_block, "too early")
        return order

    def _convict(self, block: int, who: str, order: int, silent: bool) -> None:
        held = self.bounties.get(block)
        if held is None:
            fact = self._pending(block)
            self.bounties[block] = Bounty(who, who, order, self.now, silent)
            self.facts[block] = replace(fact, status=Status.SLASHED)
            self.open -= fact.open
            self.tree.slash(self._block(block))
            return
        check(self.now < held.slashed_at + self.parameters.reveal_window, "bounty settled")
        check(order < held.order, "later commitment")
        self.bounties[block] = replace(held, first=who, order=order, lapsed=held.lapsed and silent)

    def _counts(self, who: str, key: Key) -> bool:
        """Whether an answer is paid from a slashed bond."""
        return self.rules.walks and not explains(key) and who != self.facts[key[0]].miner

    def _pay_each(self, fact: Fact) -> int:
        most = self.parameters.miner_bond // PAY_SHARE // fact.answers if fact.answers else 0
        return min(self.parameters.demand_fee, most)

    def _forfeit(self, loser: str, amount: int, bounty: Bounty, most: int) -> None:
        paid = min(most, amount // 2)
        to_first = 0 if bounty.first == bounty.prover else paid // 2
        self.worth[loser] -= amount
        self.worth[bounty.prover] += paid - to_first
        self.worth[bounty.first] += to_first
        self.burned += amount - paid

    def _burn(self, loser: str, amount: int) -> None:
        self.worth[loser] -= amount
        self.burned += amount

    def _move(self, payer: str, payee: str, amount: int) -> None:
        self.worth[payer] -= amount
        self.worth[payee] += amount

    def _pay(self, who: str, call: str) -> None:
        self.spent[who, call] += 1


def _parent(position: Position) -> Position:
    kind, number = position
    return {"sample": BITS, "roots": STEPS, "nodes": ("roots", number), "leaves": ("nodes", number)}[kind]


def explains(key: Key) -> bool:
    return key[2][0] == "sample"


def check(condition: bool, reason: str) -> None:
    if not condition:
        raise Refused(reason)
