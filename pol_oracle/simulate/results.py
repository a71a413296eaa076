"""What a scenario tells: figures, some with a bar, and three panels to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .network import Seconds
from .outcome import Outcome

HEIGHT = "block height"


@dataclass(frozen=True)
class Reading:
    """One figure.

    Attributes:
        name: "scenario.figure".
        value: what came out.
        unit: its unit.
        bar: what it must not exceed, or None.
    """

    name: str
    value: float
    unit: str
    bar: float | None = None


@dataclass(frozen=True)
class Curve:
    """A line in a panel."""

    label: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """A set of axes; ``level`` is where a dashed line marks what is wanted."""

    x: str
    y: str
    curves: tuple[Curve, ...]
    level: float | None = None
    logarithmic: bool = False


@dataclass(frozen=True)
class ScenarioResult:
    """All that a scenario tells.

    Attributes:
        scenario: its name.
        title: one line for the figure.
        readings: its figures.
        panels: block interval, orphan rate, honest share of rewards.
    """

    scenario: str
    title: str
    readings: tuple[Reading, ...]
    panels: tuple[Panel, ...]

    def as_dict(self) -> dict[str, Any]:
        """Title and panels as JSON takes them."""
        return {"scenario": self.scenario, "title": self.title, "panels": [asdict(panel) for panel in self.panels]}


def readings(prefix: str, outcome: Outcome) -> tuple[Reading, ...]:
    """Returns the figures that every run has."""
    found = [
        Reading(f"{prefix}.interval", outcome.interval, "s"),
        Reading(f"{prefix}.orphans", outcome.orphan_rate, "of proposals"),
    ]
    if outcome.proposals[-1]:
        found.append(Reading(f"{prefix}.honest_share", outcome.honest_share, "of rewards"))
        found.append(Reading(f"{prefix}.attacker", outcome.attackers_worth, "of fair"))
    elif len(outcome.tries) > 2:
        found.append(Reading(f"{prefix}.smaller_half", outcome.worth(outcome.smallest_half()), "of fair"))
    return tuple(found)


def over_height(outcome: Outcome, target: float, windows: int = 100) -> tuple[Panel, ...]:
    """Returns the panels of one chain, as means over windows of its height."""
    edges = np.linspace(0, len(outcome.miner), windows + 1).astype(int)
    middles = [float(x) for x in (edges[1:] + edges[:-1]) / 2]
    blocks, small = np.diff(edges), outcome.smallest_half()
    proposed = np.histogram(outcome.proposed - 1, edges)[0]
    rewarded = np.add.reduceat(small[outcome.miner], edges[:-1]) / blocks
    fair = outcome.powers()[small].sum()
    return (
        Panel(HEIGHT, "block interval (s)", (_curve(middles, np.diff(outcome.at[edges]) / blocks),), target),
        Panel(HEIGHT, "orphans (% of proposals)", (_curve(middles, 100 * (1 - blocks / proposed)),)),
        Panel(HEIGHT, "rewards of the smaller half (1 = fair)", (_curve(middles, rewarded / fair),), 1.0),
    )


def _curve(x: list[float], y: Seconds) -> Curve:
    return Curve("", x, [float(v) for v in y])


Sweep = dict[str, list[tuple[float, Outcome]]]


def over(
    x: str, sweep: Sweep, attacked: bool, logarithmic: bool = False, target: float | None = None
) -> tuple[Panel, ...]:
    """Returns the panels of many chains, one curve per label.

    Args:
        x: what is varied.
        sweep: label -> its value and what came of it, in order.
        attacked: whether the last panel is about an attacker, or about miners of unequal size.
        logarithmic: of the x axis.
        target: T in seconds if it is the same everywhere.
    """

    def curves(value: object) -> tuple[Curve, ...]:
        assert callable(value)
        return tuple(Curve(k, [at for at, _ in runs], [value(o) for _, o in runs]) for k, runs in sweep.items())

    last = (lambda o: o.worth(np.arange(len(o.tries)) < len(o.tries) - 1)) if attacked else _smaller
    label = "honest share of rewards / of power" if attacked else "rewards of the smaller half (1 = fair)"
    return (
        Panel(x, "block interval (s)", curves(lambda o: o.interval), target, logarithmic),
        Panel(x, "orphans (% of proposals)", curves(lambda o: 100 * o.orphan_rate), None, logarithmic),
        Panel(x, label, curves(last), 1.0, logarithmic),
    )


def _smaller(outcome: Outcome) -> float:
    return outcome.worth(outcome.smallest_half())
