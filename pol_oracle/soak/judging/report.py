"""What came out of a soak."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from pol_oracle.l1.events.typed import BlockOrphaned, BlockProposed, BlockSlashed

from ..schedule import Fault
from .verdict import WEI, Facts, won


@dataclass(frozen=True)
class Report:
    """How a soak ended.

    Attributes:
        seed: of all chance.
        facts: what L1 and the processes say.
        faults: that happened.
        seconds: that it took in all.
        recovery_s: seconds from the last fault to the next final block; None: there was none.
        lies: how many each proxy told.
        problems: what was lost; empty: nothing was.
    """

    seed: int
    facts: Facts
    faults: tuple[Fault, ...]
    seconds: float
    recovery_s: float | None
    lies: dict[str, int]
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Returns it as JSON takes it; amounts in ETH."""
        facts = self.facts
        growth: dict[str, dict[str, tuple[float, float]]] = {}
        for row in facts.growth:
            growth.setdefault(row.name, {})[row.figure] = (row.before, row.after)
        miners = {party.address for party in facts.honest}
        return {
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "recovery_s": self.recovery_s,
            "blocks": self._blocks(),
            "honest_orphaned": sum(isinstance(e, BlockOrphaned) and e.miner in miners for e in facts.events),
            "faults": dict(Counter(fault.kind.name.lower() for fault in self.faults)),
            "lies": self.lies,
            "accounts": {name: self._account(name) for name in facts.purses},
            "growth": growth,
            "endings": [vars(ending) for ending in facts.endings],
            "problems": list(self.problems),
        }

    def _blocks(self) -> dict[str, Any]:
        facts = self.facts
        cheats = {party.address for party in facts.cheats}
        final = len(facts.final)
        return {
            "final": final,
            "final_per_minute": round(60 * final / max(self.seconds, 1), 2),
            "wrong": sum(isinstance(e, BlockProposed) and e.miner in cheats for e in facts.events),
            "wrong_slashed": sum(isinstance(e, BlockSlashed) and e.miner in cheats for e in facts.events),
            "longest_pause": facts.longest_pause,
        }

    def _account(self, name: str) -> dict[str, Any]:
        facts, purse, address = self.facts, self.facts.purses[name], self.facts.addresses[name]
        payments = [p for p in facts.payments if p.account == address]
        return {
            "start_eth": purse.start / WEI,
            "won_eth": won(facts, address) / WEI,
            "gas_eth": sum(p.fee for p in payments) / WEI,
            "now_eth": (purse.wallet + purse.bonds + purse.credit) / WEI,
            "transactions": len(payments),
        }
