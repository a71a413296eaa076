"""The money of the protocol, call by call: a small mirror of Demands, Explanations, Bounties, Court and PoLRegistry.

A block is right or wrong by decree, and the Court believes whoever proves what is. What is locked stays its owner's
here: only what moves counts. A walk is one down a step of the segment; a false explanation is refuted without one.
``Rules`` also tells how the rules were before disputes became walks, so that the attacks on them can be found again.
``tests/solidity/system/Games.t.sol`` plays the same calls on the contracts.
"""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.simulate.chain import Block
from tests.economics.games_books import (
    Books,
    Bounty,
    Demand,
    Fact,
    Key,
    Position,
    State,
    Status,
    check,
    explains,
)


class Ledger(Books):
    """The calls. They raise ``Refused`` where the contracts would revert."""

    # --- blocks ---

    def propose(self, who: str, parent: int, right: bool = True) -> int:
        """Proposes a block and returns its number."""
        check(self.tree.is_live(self._block(parent)), "parent is dead")
        self._pay(who, "propose")
        block = self.tree.propose(self._block(parent), 0, self.now)
        self.facts[block.number] = Fact(who, right)
        return block.number

    def attest(self, who: str, block: int) -> None:
        """Attests to a pending block."""
        fact = self._pending(block)
        check(who != fact.miner and who not in fact.attesters, "own block, or attested before")
        self._pay(who, "attest")
        self.facts[block] = replace(fact, attesters=(*fact.attesters, who))

    def claim_head(self, who: str, block: int) -> None:
        """Makes a better block the head."""
        self._pending(block)
        self._pay(who, "claimHead")
        check(self.tree.claim_head(self._block(block)), "not better")

    def contest(self, who: str, block: int) -> None:
        """Has a block that is not the head's be outweighed."""
        self._pending(block)
        check(self.rules.outweighs, "no such call")
        self._pay(who, "claimHead")
        check(self.tree.contest(self._block(block)), "on the head's branch, or a rival already")

    def finalize(self, who: str, block: int) -> None:
        """Makes a block final."""
        fact = self._pending(block)
        check(len(fact.attesters) >= self.parameters.quorum, "no quorum")
        check(self.tree.can_finalize(self._block(block), self.is_judged), "not judged, or not outweighed")
        self._pay(who, "finalize")
        self.tree.finalize(self._block(block))
        self.facts[block] = replace(fact, status=Status.FINAL)

    def orphan(self, who: str, block: int) -> None:
        """Ends a block that lost; half of its bond is burned above a slashed one."""
        fact = self._pending(block)
        here, parent = self._block(block), self.facts.get(self._block(block).parent)
        check(self.is_judged(here), "not judged")
        fate = parent.status if parent else Status.FINAL
        beaten = fate is Status.FINAL and here.height <= self.tree.tip.height
        check(beaten or fate in (Status.SLASHED, Status.ORPHANED), "still live")
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
        check(key not in self.commitments, "committed before")
        self._pay(who, "commit")
        self.commitments[key] = (self._next_order(), self.l1_block)

    def prove(self, who: str, block: int) -> None:
        """Proves a wrong block wrong."""
        order = self._committed(who, block, -1)
        check(block in self.facts and not self.facts[block].right, "nothing to prove")
        self._pay(who, "prove")
        self._convict(block, who, order, silent=False)

    def forfeit_bond(self, who: str, block: int) -> None:
        """Shares out the bond of a slashed block's miner."""
        fact, bounty = self._slashed(block)
        check(not fact.settled, "forfeited before")
        self._pay(who, "forfeitBond")
        self.facts[block] = replace(fact, settled=True)
        bond, pay = self.parameters.miner_bond, fact.answers * self._pay_each(fact)
        lapsed = bounty.lapsed and self.rules.lapses_burn
        self._forfeit(fact.miner, bond - pay, bounty, self.parameters.demand_fee if lapsed else bond // 2 - pay)

    def settle_attestation(self, who: str, block: int, attester: str) -> None:
        """Ends an attestation: of a slashed block it costs the bond."""
        fact = self.facts[block]
        check(fact.status is not Status.PENDING and attester in fact.attesters, "nothing to settle")
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
        check(key not in self.demands, "demanded before")
        check(self.now < self._closes(who, block, position), "too late")
        if self.rules.walks:
            open_ = (
                k for k, d in self.demands.items() if k[0] == block and d.demander == who and d.state is State.OPEN
            )
            check(not any(explains(k) == explains(key) for k in open_), "a walk is under way")
        self._pay(who, "demand")
        self.demands[key] = Demand(who, self._deadline(fact.miner), self._next_order())
        self._open(block, 1)

    def answer(self, who: str, key: Key, false: bool = False) -> None:
        """Shows what was demanded, or explains, falsely or not. What is right can be computed by all."""
        made, fact = self._open_demand(key), self.facts[key[0]]
        check(self.now < made.deadline, "too late")
        check(not explains(key) or (key[0], who) not in self.fallen, "refuted once")
        self._pay(who, "answer")
        self.demands[key] = replace(made, state=State.SHOWN, responder=who, shown_at=self.now, false=false)
        held = max(fact.held_until, self.now + self.parameters.answer_window)
        self.facts[key[0]] = replace(fact, held_until=held, answers=fact.answers + self._counts(who, key))
        self._open(key[0], -1)

    def refute(self, who: str, key: Key) -> None:
        """Proves an explanation false: its author loses a bond, and the time for the next one begins."""
        made, fact = self.demands[key], self._pending(key[0])
        self._committed(who, key[0], key[2][1])
        check(made.state is State.SHOWN and made.false, "nothing to refute")
        bonded = (key[0], made.responder) not in self.fallen
        check(bonded or self._lately_fallen(key), "too late")
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
        check(made.state is State.SHOWN and fallen, "its author has not fallen")
        check(self._lately_fallen(key), "too late")
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
        check(self.rules.walks, "no such call")
        deadline = self._deadline("", others=self.open - 1)
        check(deadline < made.deadline, "nothing to move")
        self._pay(who, "expire")
        self.demands[key] = replace(made, deadline=deadline)

    def expire(self, who: str, key: Key) -> None:
        """A demand ran out: the block falls."""
        made = self._open_demand(key)
        check(self.now >= made.deadline, "too early")
        self._pay(who, "expire")
        self.demands[key] = replace(made, state=State.EXPIRED)
        self._convict(key[0], made.demander, made.order, silent=True)

    def settle(self, who: str, key: Key) -> None:
        """Pays for an answer, or gives the fee back."""
        made, fact = self.demands[key], self.facts[key[0]]
        check(made.state is not State.SETTLED and fact.status is not Status.PENDING, "nothing to settle")
        slashed, answered = fact.status is Status.SLASHED, made.state is State.SHOWN
        answered = answered and not (explains(key) and (key[0], made.responder) in self.fallen)
        if slashed and made.state is State.OPEN:
            self._slashed(key[0])
        self._pay(who, "settle")
        self.demands[key] = replace(made, state=State.SETTLED)
        if answered and not slashed:
            self._move(made.demander, made.responder, self.parameters.demand_fee)
        elif answered and self._counts(made.responder, key):
            self._move(fact.miner, made.responder, self._pay_each(fact))
