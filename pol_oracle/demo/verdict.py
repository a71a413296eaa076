"""From L1 events and the thief's records to each party's fate. Pure, so that tests can judge made-up histories."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from pol_oracle.chain.events import (
    AttestationSettled,
    Attested,
    BlockFinalized,
    BlockProposed,
    BlockSlashed,
    BondForfeited,
    Event,
)
from pol_oracle.report.history import finalized_chain
from pol_oracle.report.ledger import Entry, Unit, kind_name, ledger, totals

from .cast import Part, Party

WEI = 10**18


@dataclass(frozen=True)
class Rejection:
    """A proposal that the registry refused, as the proposer recorded it.

    Attributes:
        party: name of the proposer.
        error: name of the custom error.
        detail: the decoded sentence.
    """

    party: str
    error: str
    detail: str


@dataclass(frozen=True)
class Balance:
    """What a party has at the end, read from L1; in the smallest unit.

    Attributes:
        deposited: ETH it put into the vault.
        bond: ETH still bonded, free and locked.
        credit: ETH it may collect.
        learn: LEARN it holds.
    """

    deposited: int
    bond: int
    credit: int
    learn: int


@dataclass(frozen=True)
class Fate:
    """What became of one party.

    Attributes:
        party: who.
        known: whether its story is over: a cheat lost its bond (and the thief was refused as well), the lazy verifier
            lost a bond. Honest parties have no fate to wait for.
        story: one line for people.
    """

    party: Party
    known: bool
    story: str


@dataclass(frozen=True)
class Scene:
    """Everything known at one moment, folded from the events so far."""

    cast: tuple[Party, ...]
    events: tuple[Event, ...]
    rejections: tuple[Rejection, ...]

    @property
    def honest_finalized(self) -> int:
        """Finalized blocks of honest miners."""
        honest = {p.address for p in self.cast if p.part is Part.MINER}
        return sum(isinstance(e, BlockFinalized) and e.miner in honest for e in self.events)

    def learn(self) -> dict[str, int]:
        """LEARN rewarded so far per address, in the smallest unit."""
        return {address: net[Unit.LEARN] for address, net in totals(ledger(self.events)).items()}

    def fates(self) -> tuple[Fate, ...]:
        """Returns each party's fate, in the order of the cast."""
        entries = ledger(self.events)
        return tuple(self._fate(p, [e for e in entries if e.party == p.address]) for p in self.cast)

    def complete(self, blocks: int) -> bool:
        """Whether the demo may end: enough honest blocks, and every fate known."""
        return self.honest_finalized >= blocks and all(fate.known for fate in self.fates())

    def _fate(self, party: Party, entries: list[Entry]) -> Fate:
        if party.part.cheats:
            return self._cheat(party)
        losses = [e for e in entries if e.amount < 0]
        if party.part is Part.LAZY:
            story = losses[0].reason if losses else self._work(party)
            return Fate(party, bool(losses), f"lost a bond: {story}" if losses else story)
        story = f"LOST A BOND: {losses[0].reason}" if losses else self._work(party)
        return Fate(party, True, story)

    def _cheat(self, party: Party) -> Fate:
        slashed = [e for e in self.events if isinstance(e, BlockSlashed) and e.miner == party.address]
        taken = any(isinstance(e, BondForfeited) and e.miner == party.address for e in self.events)
        refused = [r for r in self.rejections if r.party == party.name]
        parts = [f"refused ({', '.join(dict.fromkeys(r.error for r in refused))})"] if refused else []
        parts += [f"slashed for {kind_name(e.kind)}" for e in slashed[:1]]
        parts += ["bond forfeited"] if taken else []
        known = taken and (bool(refused) or party.part is not Part.THIEF)
        proposed = any(isinstance(e, BlockProposed) and e.miner == party.address for e in self.events)
        return Fate(party, known, ", ".join(parts) or ("proposed, not caught yet" if proposed else "preparing"))

    def _work(self, party: Party) -> str:
        if party.part.mines:
            proposed = sum(isinstance(e, BlockProposed) and e.miner == party.address for e in self.events)
            final = sum(isinstance(e, BlockFinalized) and e.miner == party.address for e in self.events)
            return f"{proposed} proposed, {final} finalized"
        attested = sum(isinstance(e, Attested) and e.verifier == party.address for e in self.events)
        settled = [e for e in self.events if isinstance(e, AttestationSettled) and e.verifier == party.address]
        paid = sum(e.reward > 0 for e in settled)
        return f"{attested} attested, {paid} rewarded"


@dataclass(frozen=True)
class Ending:
    """How the demo ended.

    Money is what the contracts hold for a party: bond and credit, against what it deposited. The gas of transactions
    is everybody's own expense and no part of it.

    Attributes:
        scene: all events and refusals.
        balances: by name of the party.
        test_count: |E|.
        blocks: honest blocks that were to be finalized.
        seconds: from start to end.
        trouble: what went wrong on the way, as sentences.
    """

    scene: Scene
    balances: dict[str, Balance]
    test_count: int
    blocks: int
    seconds: float
    trouble: tuple[str, ...] = ()

    def problems(self) -> tuple[str, ...]:
        """Returns one sentence per promise that was broken; empty means the demo passed."""
        found = list(self.trouble)
        for fate in self.scene.fates():
            party, balance = fate.party, self.balances[fate.party.name]
            if party.part.honest and balance.bond + balance.credit < balance.deposited:
                found.append(f"{party.name} is honest and lost money: {fate.story}")
            elif party.part.cheats and balance.bond:
                found.append(f"{party.name} cheated and kept a bond of {balance.bond / WEI:g} ETH: {fate.story}")
            elif not fate.known:
                found.append(f"{party.name} has not met its fate: {fate.story}")
        found += self._won_by_cheating()
        if self.scene.honest_finalized < self.blocks:
            found.append(f"the head stopped: {self.scene.honest_finalized} of {self.blocks} honest blocks finalized")
        return tuple(found)

    def _won_by_cheating(self) -> list[str]:
        cheats = {p.address: p.name for p in self.scene.cast if p.part.cheats}
        final = [e for e in self.scene.events if isinstance(e, BlockFinalized) and e.miner in cheats]
        return [f"{cheats[e.miner]} cheated and got block {e.block_id.hex()[:8]} finalized" for e in final]

    def as_dict(self) -> dict[str, Any]:
        """Returns demo.json; amounts in ETH and LEARN as floats for plotting, times in seconds."""
        events = self.scene.events
        chain = finalized_chain(events)
        return {
            "finalized": self.scene.honest_finalized,
            "slashed": dict(Counter(kind_name(e.kind) for e in events if isinstance(e, BlockSlashed))),
            "rejected": dict(Counter(r.error for r in self.scene.rejections)),
            "balances": {fate.party.name: self._account(fate) for fate in self.scene.fates()},
            "accuracy": {str(b.height): b.correct_after / self.test_count for b in chain},
            "interval_s": {str(b.height): b.interval_s for b in chain},
            "seconds": round(self.seconds, 1),
            "problems": list(self.problems()),
        }

    def _account(self, fate: Fate) -> dict[str, Any]:
        party, balance = fate.party, self.balances[fate.party.name]
        net = totals(ledger(self.scene.events)).get(party.address, {Unit.ETH: 0, Unit.LEARN: 0})
        return {
            "part": party.part.value,
            "address": party.address,
            "deposited_eth": balance.deposited / WEI,
            "bond_eth": balance.bond / WEI,
            "credit_eth": balance.credit / WEI,
            "net_eth": net[Unit.ETH] / WEI,
            "learn": balance.learn / WEI,
            "why": fate.story,
        }
