"""From L1 events and the cheats' records to each party's fate. Pure, so that tests can judge made-up histories."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from pol_oracle.l1.events.typed import (
    AttestationSettled,
    Attested,
    Awarded,
    BlockFinalized,
    BlockProposed,
    BlockSlashed,
    BondForfeited,
    Demanded,
    Event,
    Explained,
    ExplanationDemanded,
    Revealed,
)
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.report.history import finalized_chain
from pol_oracle.report.ledger import Entry, Unit, kind_name, ledger, totals

from .cast import DemoRole, Party

WEI = 10**18
LEARNED = 0.4  # accuracy that the demo's own task is above after a dozen blocks; it begins near 0.1
DOZEN = 12


@dataclass(frozen=True)
class Rejection:
    """A proposal that the registry refused, or an accusation that the Court did, as the party recorded it.

    Attributes:
        party: name of whoever made it.
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
            lost a bond, a colluder lost all bonds behind slashed blocks, a fee and an accusation. Honest parties have
            no fate to wait for.
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
        honest = {p.address for p in self.cast if p.part is DemoRole.MINER}
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
        if party.part is DemoRole.COLLUDER:
            return self._colluder(party)
        losses = [e for e in entries if e.amount < 0]
        if party.part is DemoRole.LAZY:
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
        known = taken and (bool(refused) or party.part is not DemoRole.THIEF)
        proposed = any(isinstance(e, BlockProposed) and e.miner == party.address for e in self.events)
        return Fate(party, known, ", ".join(parts) or ("proposed, not caught yet" if proposed else "preparing"))

    def _colluder(self, party: Party) -> Fate:
        me = party.address
        slashed = {e.block_id for e in self.events if isinstance(e, BlockSlashed)}
        backed = {e.block_id for e in self.events if isinstance(e, Attested) and e.verifier == me} & slashed
        lost = [e for e in self.events if isinstance(e, AttestationSettled) and e.verifier == me and e.loss]
        fees = sum(isinstance(e, Awarded) and e.account == me and e.beneficiary != me for e in self.events)
        refused = [r for r in self.rejections if r.party == party.name]
        errors = ", ".join(sorted({r.error for r in refused})) or "none"
        known = bool(lost and fees and refused) and backed == {e.block_id for e in lost}
        return Fate(party, known, f"lost {len(lost)} bonds, paid {fees} fees; accusations refused: {errors}")

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
class DemoOutcome:
    """How the demo ended.

    Money is what the contracts hold for a party: bond and credit, against what it deposited. The gas of transactions
    is everybody's own expense and no part of it.

    Attributes:
        scene: all events and refusals.
        balances: by name of the party.
        test_count: |E|.
        blocks: honest blocks that were to be finalized.
        parameters: of the deployment.
        seconds: from start to end.
        trouble: what went wrong on the way, as sentences.
        own_task: whether it ran the demo's own task, of which it is known how fast the network learns.
    """

    scene: Scene
    balances: dict[str, Balance]
    test_count: int
    blocks: int
    parameters: Parameters
    seconds: float
    trouble: tuple[str, ...] = ()
    own_task: bool = False

    @property
    def learned(self) -> tuple[float, float] | None:
        """Accuracy after the first final block and after the last, of 1; None before there is one."""
        chain = finalized_chain(self.scene.events)
        return (chain[0].correct_after / self.test_count, chain[-1].correct_after / self.test_count) if chain else None

    def problems(self) -> tuple[str, ...]:
        """Returns one sentence per promise that was broken; empty means the demo passed."""
        found = list(self.trouble)
        for fate in self.scene.fates():
            party, balance = fate.party, self.balances[fate.party.name]
            if party.part.honest and balance.bond + balance.credit < balance.deposited:
                found.append(f"{party.name} is honest and lost money: {fate.story}")
            elif party.part.cheats and balance.bond:
                found.append(f"{party.name} cheated and kept a bond of {balance.bond / WEI:g} ETH: {fate.story}")
            elif party.part is DemoRole.COLLUDER and balance.bond + balance.credit >= balance.deposited:
                found.append(f"{party.name} colluded and lost nothing: {fate.story}")
            elif not fate.known:
                found.append(f"{party.name} has not met its fate: {fate.story}")
        found += self._won_by_cheating() + self._wrong_slashes()
        if self.scene.honest_finalized < self.blocks:
            found.append(f"the head stopped: {self.scene.honest_finalized} of {self.blocks} honest blocks finalized")
        elif self.own_task and self.blocks >= DOZEN:
            found += self._not_learned()
        return tuple(found)

    def _not_learned(self) -> list[str]:
        first, last = self.learned or (0.0, 0.0)
        if last > max(first, LEARNED):
            return []
        return [f"the network has not learned: {first:.1%} right after the first block, {last:.1%} after the last"]

    def _won_by_cheating(self) -> list[str]:
        cheats = {p.address: p.name for p in self.scene.cast if p.part.cheats}
        final = [e for e in self.scene.events if isinstance(e, BlockFinalized) and e.miner in cheats]
        return [f"{cheats[e.miner]} cheated and got block {e.block_id.hex()[:8]} finalized" for e in final]

    def _wrong_slashes(self) -> list[str]:
        """A slash must hit a cheat's block, for what is wrong with it, before the block could have been final."""
        parties, found = {p.address: p for p in self.scene.cast}, []
        for slash in (e for e in self.scene.events if isinstance(e, BlockSlashed)):
            party = parties[slash.miner]
            name = f"block {slash.block_id.hex()[:8]} of {party.name}"
            if not party.part.cheats:
                found.append(f"{name} was slashed, and it is no cheat")
            elif slash.kind not in party.part.found_by:
                found.append(f"{name} was slashed for {kind_name(slash.kind)}, which it was not guilty of")
            elif slash.at.timestamp > self._final_from(slash):
                found.append(f"{name} was slashed only when it could have been final")
        return found

    def _final_from(self, slash: BlockSlashed) -> int:
        """L1 time from which a slashed block could have been final; an open demand puts it off until the slash."""
        about = [e for e in self.scene.events if getattr(e, "block_id", None) == slash.block_id]
        proposed = next(e.at.timestamp for e in about if isinstance(e, BlockProposed))
        answered = {_what(e): e.at.timestamp for e in about if isinstance(e, Revealed | Explained)}
        if any(isinstance(e, Demanded | ExplanationDemanded) and _what(e) not in answered for e in about):
            return slash.at.timestamp
        held = max(answered.values(), default=0) + self.parameters.answer_window
        return max(proposed + self.parameters.challenge_window, held)

    def as_dict(self) -> dict[str, Any]:
        """Returns demo.json; amounts in ETH and LEARN as floats for plotting, times in seconds."""
        events = self.scene.events
        chain = finalized_chain(events)
        return {
            "finalized": self.scene.honest_finalized,
            "slashed": dict(Counter(kind_name(e.kind) for e in events if isinstance(e, BlockSlashed))),
            "rejected": dict(Counter(r.error for r in self.scene.rejections)),
            "demands": dict(Counter(self._demanders())),
            "slashed_after_s": self._slash_times(),
            "balances": {fate.party.name: self._account(fate) for fate in self.scene.fates()},
            "accuracy": {str(b.height): b.correct_after / self.test_count for b in chain},
            "interval_s": {str(b.height): b.interval_s for b in chain},
            "seconds": round(self.seconds, 1),
            "problems": list(self.problems()),
        }

    def _demanders(self) -> list[str]:
        """Who made each demand."""
        names = {p.address: p.name for p in self.scene.cast}
        return [names[e.demander] for e in self.scene.events if isinstance(e, Demanded | ExplanationDemanded)]

    def _slash_times(self) -> dict[str, int]:
        """Seconds of L1 time from each cheat's first slashed block to its slash."""
        names = {p.address: p.name for p in self.scene.cast}
        took: dict[str, int] = {}
        proposed = {e.block_id: e.at.timestamp for e in self.scene.events if isinstance(e, BlockProposed)}
        for slash in (e for e in self.scene.events if isinstance(e, BlockSlashed)):
            took.setdefault(names[slash.miner], slash.at.timestamp - proposed[slash.block_id])
        return took

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


def _what(event: Demanded | Revealed | ExplanationDemanded | Explained) -> object:
    """What was demanded, or shown."""
    return event.demand_id if isinstance(event, Demanded | Revealed) else (event.tree, event.sample)
