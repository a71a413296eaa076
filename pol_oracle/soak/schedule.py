"""What the world does, and when: a pure function of a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

FIRST_S = 2.0
GAP_S = (2.0, 9.0)  # from the beginning of one fault to that of the next
L1 = "l1"
USER = "user"


class FaultKind(StrEnum):
    """What happens; the value is what people read."""

    KILL = "killed, and started again"
    FREEZE = "stopped, and let go on"
    CLOSE = "terminal closed"
    MUTE = "nobody reads its terminal"
    DISK = "disk full"
    LIES = "its node lies"
    DOWN = "L1 stopped, and started again"
    REORG = "L1 reorganised"
    CLOCK = "L1's clock put forward"
    CHEAT = "a cheat joins"
    MONEY = "a user moves money"


OF_L1 = (FaultKind.DOWN, FaultKind.REORG, FaultKind.CLOCK)
OF_USERS = (FaultKind.CHEAT, FaultKind.MONEY)
LASTS_S: Mapping[FaultKind, tuple[float, float]] = {
    FaultKind.KILL: (0.0, 10.0),
    FaultKind.FREEZE: (3.0, 20.0),
    FaultKind.CLOSE: (1.0, 1.0),
    FaultKind.MUTE: (5.0, 20.0),
    FaultKind.DISK: (5.0, 20.0),
    FaultKind.LIES: (10.0, 30.0),
    FaultKind.DOWN: (1.0, 10.0),
    FaultKind.REORG: (8.0, 8.0),  # and so many seconds until L1 is touched again
    FaultKind.CLOCK: (4.0, 4.0),
    FaultKind.CHEAT: (1.0, 1.0),
    FaultKind.MONEY: (3.0, 8.0),
}


@dataclass(frozen=True)
class Fault:
    """One thing that happens.

    Attributes:
        kind: what.
        target: name of the agent; ``L1`` or ``USER``.
        at: seconds from the start.
        seconds: until it is over.
        amount: L1 blocks of a reorg, seconds of a jump of the clock, 1 if a user's command is killed; else 0.
    """

    kind: FaultKind
    target: str
    at: float
    seconds: float
    amount: int = 0

    @property
    def until(self) -> float:
        """When it is over, in seconds from the start."""
        return round(self.at + self.seconds, 1)

    def __str__(self) -> str:
        unit = {FaultKind.REORG: " blocks deep", FaultKind.CLOCK: " s"}.get(self.kind)
        detail = f", {self.amount}{unit}" if unit else f", {self.seconds:.0f} s" if self.seconds > 1 else ""
        return (
            f"{self.kind.value}{detail}" if self.target in (L1, USER) else f"{self.target}: {self.kind.value}{detail}"
        )


@dataclass(frozen=True)
class Bounds:
    """What the rules of the network allow for.

    Attributes:
        roles: names of the agents of each role; of each, one is in order at any time.
        confirmations: L1 blocks that agents wait; reorgs go one deeper than that at most.
        jump_s: the longest jump of L1's clock: less than what an answer has to spare.
    """

    roles: Sequence[Sequence[str]]
    confirmations: int
    jump_s: int


def schedule(seed: int, seconds: float, bounds: Bounds) -> tuple[Fault, ...]:
    """Draws the faults of a run, in order; all are over at its end.

    Every kind comes once before any comes twice, in an order of its own each time.
    """
    rng = random.Random(seed)  # noqa: S311 - chance that can be repeated is what is wanted
    faults: list[Fault] = []
    under_way: list[Fault] = []
    deck: list[FaultKind] = []
    now = FIRST_S
    while now < seconds:
        if not deck:
            deck = rng.sample(list(FaultKind), len(FaultKind))
        under_way = [fault for fault in under_way if fault.until > now]
        fault = _draw(rng, deck[-1], now, {fault.target for fault in under_way}, bounds)
        if fault is not None:
            deck.pop()
            if fault.until <= seconds:
                faults.append(fault)
                under_way.append(fault)
        now = round(now + rng.uniform(*GAP_S), 1)
    return tuple(faults)


def _draw(rng: random.Random, kind: FaultKind, now: float, busy: AbstractSet[str], bounds: Bounds) -> Fault | None:
    """A fault of a kind, or None: nobody is left whom it may strike while it strikes those who are busy."""
    if kind in OF_L1:
        targets = [] if L1 in busy else [L1]
    elif kind in OF_USERS:
        targets = [USER]
    else:
        targets = [name for role in bounds.roles for name in role if name not in busy and not busy >= {*role} - {name}]
    if not targets:
        return None
    amount = 0
    if kind is FaultKind.REORG:
        amount = rng.randint(1, bounds.confirmations + 1)
    elif kind is FaultKind.CLOCK:
        amount = rng.randint(1, bounds.jump_s)
    elif kind is FaultKind.MONEY:
        amount = rng.randint(0, 1)
    return Fault(kind, rng.choice(targets), now, round(rng.uniform(*LASTS_S[kind]), 1), amount)
