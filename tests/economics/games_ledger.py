"""The money of the protocol, call by call: a small mirror of Demands, Explanations, Bounties, Court and PoLRegistry.

A block is right or wrong by decree, and the Court believes whoever proves what is. What is locked stays its owner's
here: only what moves counts. A walk is one down a step of the segment; a false explanation is refuted without one.
``Rules`` also tells how the rules were before disputes became walks, so that the attacks on them can be found again.
``tests/solidity/system/Games.t.sol`` plays the same calls on the contracts.
"""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum, auto

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
class Ledger:
    """All that the contracts remember. Calls raise ``Refused`` where those would revert."""

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

    def copy(self) -> Ledger:
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

    # --- blocks ---

    def propose(self, who: str, parent: int, right: bool = True) -> int:
        """Proposes a block and returns its number."""
        _check(self.tree.is_live(self._block(parent)), "parent is dead")
        self._pay(who, "propose")
        block = self.tree.propose(self._block(parent), 0, self.now)
        self.facts[block.number] = Fact(who, right)
        return block.number

    def attest(self, who: str, block: int) -> None:
        """Attests to a pending block."""
        fact = self._pending(block)
        _check(who != fact.miner and who not in fact.attesters, "own block, or attested before")
        self._pay(who, "attest")
        self.facts[block] = replace(fact, attesters=(*fact.attesters, who))

    def claim_head(self, who: str, block: int) -> None:
        """Makes a better block the head."""
        self._pending(block)
        self._pay(who, "claimHead")
        _check(self.tree.claim_head(self._block(block)), "not better")

    def contest(self, who: str, block: int) -> None:
        """Has a block that is not the head's be outweighed."""
        self._pending(block)
        _check(self.rules.outweighs, "no such call")
        self._pay(who, "claimHead")
        _check(self.tree.contest(self._block(block)), "on the head's branch, or a rival already")

    def finalize(self, who: str, block: int) -> None:
        """Makes a block final."""
        fact = self._pending(block)
        _check(len(fact.attesters) >= self.parameters.quorum, "no quorum")
        _check(self.tree.can_finalize(self._block(block), self.is_judged), "not judged, or not outweighed")
        self._pay(who, "finalize")
        self.tree.finalize(self._block(block))
        self.facts[block] = replace(fact, status=Status.FINAL)

    def orphan(self, who: str, block: int) -> None:
        """Ends a block that lost; half of its bond is burned above a slashed one."""
        fact = self._pending(block)
        here, parent = self._block(block), self.facts.get(self._block(block).parent)
        _check(self.is_judged(here), "not judged")
        fate = parent.status if parent else Status.FINAL
        beaten = fate is Status.FINAL and here.height <= self.tree.tip.height
        _check(beaten or fate in (Status.SLASHED, Status.ORPHANED), "still live")
        above = fate is Status.SLASHED or (parent is not None and parent.above_slashed)
        self._pay(who, "orphan")
        self.facts[block] = replace(fact, status=Status.ORPHANED, above_slashed=above)
        if above:
            self._burn(fact.miner, self.parameters.miner_bond - self.parameters.miner_bond // 2)

    def is_judged(self, block: Block) -> bool:
        """Whether a block's window is over and nothing about it is open or fresh."""
        fact = self.facts[block.number]
        over = self.now >= block.at + self.parameters.challenge_window
        return fact.status is Status.PENDING and over and not fact.open and self.now >= fact.held_until

    # --- the court ---

    def commit(self, who: str, block: int, sample: int = -1) -> None:
        """Commits to proving a block wrong, or the explanation of one of its samples."""
        key = (who, block, ("sample", sample))
        _check(key not in self.commitments, "committed before")
        self._pay(who, "commit")
        self.commitments[key] = (self._next_order(), self.l1_block)

    def prove(self, who: str, block: int) -> None:
        """Proves a wrong block wrong."""
        order = self._committed(who, block, -1)
        _check(block in self.facts and not self.facts[block].right, "nothing to prove")
        self._pay(who, "prove")
        self._convict(block, who, order, silent=False)

    def forfeit_bond(self, who: str, block: int) -> None:
        """Shares out the bond of a slashed block's miner."""
        fact, bounty = self._slashed(block)
        _check(not fact.settled, "forfeited before")
        self._pay(who, "forfeitBond")
        self.facts[block] = replace(fact, settled=True)
        bond, pay = self.parameters.miner_bond, fact.answers * self._pay_each(fact)
        lapsed = bounty.lapsed and self.rules.lapses_burn
        self._forfeit(fact.miner, bond - pay, bounty, self.parameters.demand_fee if lapsed else bond // 2 - pay)

    def settle_attestation(self, who: str, block: int, attester: str) -> None:
        """Ends an attestation: of a slashed block it costs the bond."""
        fact = self.facts[block]
        _check(fact.status is not Status.PENDING and attester in fact.attesters, "nothing to settle")
        bounty = self._slashed(block)[1] if fact.status is Status.SLASHED else None
        self._pay(who, "settleAttestation")
        self.facts[block] = replace(fact, attesters=tuple(a for a in fact.attesters if a != attester))
        if bounty and bounty.lapsed and self.rules.lapses_burn:
            self._burn(attester, self.parameters.attest_bond)
        elif bounty:
            self._forfeit(attester, self.parameters.attest_bond, bounty, self.parameters.attest_bond // 2)

    # --- demands ---

    def demand(self, who: str, block: int, position: Position) -> None:
        """Demands a part of a pending block."""
        fact, key = self._pending(block), self._key(who, block, position)
        _check(key not in self.demands, "demanded before")
        _check(self.now < self._closes(who, block, position), "too late")
        if self.rules.walks:
            open_ = (
                k for k, d in self.demands.items() if k[0] == block and d.demander == who and d.state is State.OPEN
            )
            _check(not any(_explains(k) == _explains(key) for k in open_), "a walk is under way")
        self._pay(who, "demand")
        self.demands[key] = Demand(who, self._deadline(fact.miner), self._next_order())
        self._open(block, 1)

    def answer(self, who: str, key: Key, false: bool = False) -> None:
        """Shows what was demanded, or explains, falsely or not. What is right can be computed by all."""
        made, fact = self._open_demand(key), self.facts[key[0]]
        _check(self.now < made.deadline, "too late")
        _check(not _explains(key) or (key[0], who) not in self.fallen, "refuted once")
        self._pay(who, "answer")
        self.demands[key] = replace(made, state=State.SHOWN, responder=who, shown_at=self.now, false=false)
        held = max(fact.held_until, self.now + self.parameters.answer_window)
        self.facts[key[0]] = replace(fact, held_until=held, answers=fact.answers + self._counts(who, key))
        self._open(key[0], -1)

    def refute(self, who: str, key: Key) -> None:
        """Proves an explanation false: its author loses a bond, and the time for the next one begins."""
        made, fact = self.demands[key], self._pending(key[0])
        self._committed(who, key[0], key[2][1])
        _check(made.state is State.SHOWN and made.false, "nothing to refute")
        bonded = (key[0], made.responder) not in self.fallen
        _check(bonded or self._lately_fallen(key), "too late")
        self._pay(who, "prove")
        self.fallen.setdefault((key[0], made.responder), self.now)
        self._reopen(key, fact.miner)
        if bonded:
            bond = self.parameters.attest_bond
            self._forfeit(made.responder, bond, Bounty(who, who, 0, 0, False), bond // 2)

    def reopen(self, who: str, key: Key) -> None:
        """What else was explained by an author whose explanation was refuted does not stand either."""
        made, fact = self.demands[key], self._pending(key[0])
        fallen = (key[0], made.responder) in self.fallen
        _check(made.state is State.SHOWN and fallen, "its author has not fallen")
        _check(self._lately_fallen(key), "too late")
        self._pay(who, "expire")
        self._reopen(key, fact.miner)

    def _lately_fallen(self, key: Key) -> bool:
        """Whether what a fallen author explained can still be ended: one fall holds a block up once."""
        end = self._block(key[0]).at + self.parameters.challenge_window
        fallen_at = self.fallen[key[0], self.demands[key].responder]
        return self.now < max(end, fallen_at + self.parameters.answer_window)

    def hasten(self, who: str, key: Key) -> None:
        """Brings a deadline forward where fewer demands are open."""
        made = self._open_demand(key)
        _check(self.rules.walks, "no such call")
        deadline = self._deadline("", others=self.open - 1)
        _check(deadline < made.deadline, "nothing to move")
        self._pay(who, "expire")
        self.demands[key] = replace(made, deadline=deadline)

    def expire(self, who: str, key: Key) -> None:
        """A demand ran out: the block falls."""
        made = self._open_demand(key)
        _check(self.now >= made.deadline, "too early")
        self._pay(who, "expire")
        self.demands[key] = replace(made, state=State.EXPIRED)
        self._convict(key[0], made.demander, made.order, silent=True)

    def settle(self, who: str, key: Key) -> None:
        """Pays for an answer, or gives the fee back."""
        made, fact = self.demands[key], self.facts[key[0]]
        _check(made.state is not State.SETTLED and fact.status is not Status.PENDING, "nothing to settle")
        slashed, answered = fact.status is Status.SLASHED, made.state is State.SHOWN
        answered = answered and not (_explains(key) and (key[0], made.responder) in self.fallen)
        if slashed and made.state is State.OPEN:
            self._slashed(key[0])
        self._pay(who, "settle")
        self.demands[key] = replace(made, state=State.SETTLED)
        if answered and not slashed:
            self._move(made.demander, made.responder, self.parameters.demand_fee)
        elif answered and self._counts(made.responder, key):
            self._move(fact.miner, made.responder, self._pay_each(fact))

    # --- what calls have in common ---

    def _block(self, number: int) -> Block:
        return self.tree.blocks[number]

    def _pending(self, block: int) -> Fact:
        _check(block in self.facts and self.facts[block].status is Status.PENDING, "not pending")
        return self.facts[block]

    def _slashed(self, block: int) -> tuple[Fact, Bounty]:
        _check(block in self.bounties, "not slashed")
        bounty = self.bounties[block]
        _check(self.now >= bounty.slashed_at + self.parameters.reveal_window, "bounty not settled")
        return self.facts[block], bounty

    def _open_demand(self, key: Key) -> Demand:
        _check(key in self.demands and self.demands[key].state is State.OPEN, "no open demand")
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
        _check(parent is not None and parent.shown_at > 0, "parent not shown")
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
        _check(key in self.commitments, "not committed")
        order, l1_block = self.commitments[key]
        _check(self.l1_block > l1_block, "too early")
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
        _check(self.now < held.slashed_at + self.parameters.reveal_window, "bounty settled")
        _check(order < held.order, "later commitment")
        self.bounties[block] = replace(held, first=who, order=order, lapsed=held.lapsed and silent)

    def _counts(self, who: str, key: Key) -> bool:
        """Whether an answer is paid from a slashed bond."""
        return self.rules.walks and not _explains(key) and who != self.facts[key[0]].miner

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


def _explains(key: Key) -> bool:
    return key[2][0] == "sample"


def _check(condition: bool, reason: str) -> None:
    if not condition:
        raise Refused(reason)
