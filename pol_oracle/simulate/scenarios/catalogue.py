"""The named scenarios of ``pol simulate``: functions of the number of blocks and the seed, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from pol_oracle.protocol.difficulty import BIT

from ..attackers import Attacker, Hopper, Withholder
from ..chain import ChainRules, fitting_difficulty, tries_per_block
from ..engine import PowerChange, Progress, Simulation
from ..network import Miners, Network, Seconds, alike, mixed
from ..outcome import Outcome
from ..results import Curve, Panel, Reading, ScenarioResult, Sweep, over, over_height, readings
from .games import IDEAL, search
from .jumps import AFTER, BEFORE, DOWN, OUTAGE, UP, Jump, Unbounded, jump
from .shade import MARGINS, QUICK, SLOW, STRETCHED, Shade, Shaded, attacks

Scenario = Callable[[int, int, Progress | None], ScenarioResult]

RULES, NETWORK = ChainRules(), Network()
BLOCKS_TO_RECOVER = 40
ORPHANS_AFTER_OUTAGE = 0.15  # per block, over the ninety after one that took fifty times as long
GAIN = 0.05
SHARES = (0.1, 0.2, 0.3, 0.4)
PENDING, BONDS = (6, 12, 30, 60), 200  # honest blocks that are not final, and what an attacker has to burn
POINT = 2000  # blocks per point of a sweep, at most


def steady(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """30 miners of mixed size."""
    outcome = Simulation(RULES, NETWORK, _mixed(30, seed), seed).run(blocks, progress)
    return ScenarioResult(
        "steady", "30 miners", readings("steady", outcome), over_height(outcome, RULES.target_interval)
    )


def join_and_leave(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """100 miners of mixed size; every 50 blocks another number of them mines, from 10 on."""
    draw = np.random.default_rng(seed)
    shifts = [PowerChange(height, int(draw.integers(10, 101))) for height in range(0, blocks, 50)]
    outcome = Simulation(RULES, NETWORK, _mixed(100, seed), seed, shifts=shifts).run(blocks, progress)
    panels = over_height(outcome, RULES.target_interval)
    return ScenarioResult("join-and-leave", "10 to 100 miners come and go", readings("join-and-leave", outcome), panels)


def tenfold_up(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """From 20 miners to 200 at once."""
    return _tenfold("tenfold-up", "ten times the power", UP, blocks, seed, progress)


def tenfold_down(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """From 200 miners to 20 at once."""
    return _tenfold("tenfold-down", "a tenth of the power", DOWN, blocks, seed, progress)


def _tenfold(
    name: str, title: str, shifts: Sequence[PowerChange], blocks: int, seed: int, progress: Progress | None
) -> ScenarioResult:
    chains = max(1, blocks // 25)
    seen = jump(shifts, RULES, NETWORK, chains, seed, _of_chains(progress, 25))
    found = (
        Reading(f"{name}.recovery", seen.blocks, "blocks", BLOCKS_TO_RECOVER),
        Reading(f"{name}.recovery_time", float(seen.intervals[BEFORE : BEFORE + seen.blocks].sum()), "s"),
    )
    return ScenarioResult(name, f"{title}: mean of {chains} chains", found, _around({"": seen}))


def storm(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """All but a fiftieth of the power is gone for one block: with the bound on what a block moves, and without."""
    chains = max(1, blocks // 200)
    cases = {"bounded": RULES, "without a bound": Unbounded()}
    count = _Count(progress, blocks, len(cases))
    seen = {
        label: jump(OUTAGE, rules, NETWORK, chains, seed, _of_chains(count.next(), 200))
        for label, rules in cases.items()
    }
    found = [
        Reading(f"storm.{_slug(label)}.{name}", value, unit, bar if label == "bounded" else None)
        for label, after in seen.items()
        for name, value, unit, bar in (
            ("orphans", float(after.orphans[BEFORE + 1 :].mean()), "per block", ORPHANS_AFTER_OUTAGE),
            ("most_orphans", float(after.orphans[BEFORE + 1 :].max()), "per block", None),
            ("shortest", float(after.intervals[BEFORE + 1 :].min()), "s", None),
        )
    ]
    return ScenarioResult(
        "storm", f"one block fifty times as long: mean of {chains} chains", tuple(found), _around(seen)
    )


def _around(seen: Mapping[str, Jump]) -> tuple[Panel, ...]:
    """Panels over the blocks before and after a jump."""
    x = [float(n) for n in range(1 - BEFORE, AFTER + 1)]

    def panel(y: str, value: Callable[[Jump], Seconds], level: float | None = None) -> Panel:
        curves = (Curve(label, x, [float(v) for v in value(after)]) for label, after in seen.items())
        return Panel("blocks after the jump", y, tuple(curves), level)

    return (
        panel("mean block interval (s)", lambda after: after.intervals, RULES.target_interval),
        panel("orphans (% of proposals)", lambda after: 100 * after.orphans / (1 + after.orphans)),
        panel("honest share of rewards", lambda after: np.ones(len(after.orphans)), 1.0),
    )


def _of_chains(progress: Progress | None, blocks: int) -> Progress | None:
    """Tells so many blocks for each chain of a jump."""
    return (lambda done: progress(done * blocks // (BEFORE + AFTER))) if progress else None


def latency(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """30 miners, over target intervals and what delays miners."""
    miners = _mixed(30, seed)
    cases = {
        "1 confirmation": (NETWORK, miners),
        "6 confirmations": (replace(NETWORK, confirmations=6), miners),
        "no segment": (replace(NETWORK, segment=0.0), miners),
        "checked in no time": (NETWORK, replace(miners, check=np.zeros(len(miners)))),
    }
    return _over_intervals("latency", "30 miners", cases, blocks, seed, progress)


def ten_thousand(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """10,000 miners of mixed size, over target intervals."""
    miners = _mixed(10_000, seed)
    cases = {"1 confirmation": (NETWORK, miners), "6 confirmations": (replace(NETWORK, confirmations=6), miners)}
    return _over_intervals("ten-thousand", "10,000 miners", cases, blocks, seed, progress)


def _over_intervals(
    name: str,
    title: str,
    cases: Mapping[str, tuple[Network, Miners]],
    blocks: int,
    seed: int,
    progress: Progress | None,
) -> ScenarioResult:
    """Runs each case over target intervals; its segment is for 600 s, and grows and shrinks with the interval."""
    points = (300, 600, 1200, 3600)
    sweep: Sweep = {label: [] for label in cases}
    count = _Count(progress, blocks, len(cases) * len(points))
    for label, (network, miners) in cases.items():
        for target in points:
            rules = ChainRules(target, 6 * target)
            scaled = replace(network, segment=network.segment * target / RULES.target_interval)
            outcome = Simulation(rules, scaled, miners, seed).run(min(blocks, POINT), count.next())
            sweep[label].append((target, outcome))
    found = tuple(
        reading
        for label, runs in sweep.items()
        for target, outcome in runs
        for reading in readings(f"{name}.{_slug(label)}.{target}s", outcome)
    )
    return ScenarioResult(name, title, found, over("target interval (s)", sweep, attacked=False, logarithmic=True))


def selfish(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """Selfish mining against 30 miners, who lose ties or, where the attacker sees their proposals first, win them."""
    attackers: dict[str, Callable[[float], Attacker]] = {
        "no check": Attacker,
        "selfish": Withholder,
        "selfish, front-running": lambda share: Withholder(share, front_running=1.0),
    }
    sweep: Sweep = {label: [] for label in attackers}
    count = _Count(progress, blocks, len(attackers) * len(SHARES))
    for label, attacker in attackers.items():
        for share in SHARES:
            simulation = Simulation(RULES, NETWORK, alike(30), seed, attacker(share))
            sweep[label].append((share, simulation.run(min(blocks, 4 * POINT), count.next())))
    found = tuple(
        r for label, runs in sweep.items() for s, o in runs for r in readings(f"selfish.{_slug(label)}.{s}", o)
    )
    panels = over("attacker's share of power", sweep, attacked=True, target=RULES.target_interval)
    return ScenarioResult("selfish", "selfish mining", found, panels)


def hopping(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """A small or a large miner that mines elsewhere while the difficulty is high. Not a timestamp game."""
    thresholds, power = (-0.5, -0.25, 0.0, 0.25), 3000.0  # thresholds in bits above the difficulty that fits
    miners, large = alike(1, check=0, power=power), 0.2
    fits = [fitting_difficulty(power / (1 - share), RULES.target_interval) for share in (0.0, large)]
    count = _Count(progress, blocks, 1 + len(thresholds))
    alone = Simulation(RULES, IDEAL, miners, seed).run(blocks, count.next())
    small = [_easy(alone, fits[0] + round(bits * BIT)) * power * RULES.target_interval - 1 for bits in thresholds]
    sweep: Sweep = {"20 % of the power": []}
    found = [Reading(f"hopping.small.{b}.gain", gain, "of fair") for b, gain in zip(thresholds, small, strict=True)]
    for bits in thresholds:
        hopper = Hopper(large, fits[1] + round(bits * BIT))
        outcome = Simulation(RULES, IDEAL, miners, seed, hopper).run(blocks, count.next())
        sweep["20 % of the power"].append((bits, outcome))
        per_try = float((outcome.miner == 1).sum() / outcome.tries[-1])
        gain = per_try * power / (1 - large) * RULES.target_interval - 1
        found.append(Reading(f"hopping.large.{bits}.gain", gain, "of fair"))
    panels = over("mines below this difficulty (bits)", sweep, attacked=True, target=RULES.target_interval)
    return ScenarioResult("hopping", "hopping between chains, 20 % of the power", tuple(found), panels)


def _easy(outcome: Outcome, below: int) -> float:
    """Blocks per try of a miner too small to be noticed that mines up to a difficulty."""
    on = outcome.difficulty <= below
    rates = np.array([1 / tries_per_block(int(d)) for d in outcome.difficulty[on]])
    return float((rates * outcome.intervals[on]).sum() / outcome.intervals[on].sum())


def timestamps(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """Searches for delays that gain an attacker more than mining honestly, or than selfish mining does by itself."""
    cases = ((0.1, 0.0), (1 / 3, 0.0), (1 / 3, 1.0))
    found, gains = [], []
    for number, (share, gamma) in enumerate(cases):
        best = search(share, gamma, RULES, blocks, seed, tries=12)
        name = f"timestamps.{share:.2f}.{'front_running' if gamma else 'late'}"
        found.append(Reading(f"{name}.gain", best.gain, "of fair", GAIN))
        found.append(Reading(f"{name}.withholding", best.withholding - 1, "of fair"))
        gains.append(best.gain)
        if progress:
            progress((number + 1) * blocks // len(cases))
    found.append(Reading("timestamps.gain", max(gains), "of fair", GAIN))
    return ScenarioResult("timestamps", "late proposals", tuple(found), _late(blocks, seed))


def _late(blocks: int, seed: int) -> tuple[Panel, ...]:
    """Panels of attackers that delay every block of theirs."""
    delays, shares = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0), (0.1, 0.2, 0.3)
    sweep: Sweep = {f"{share:.0%} of the power": [] for share in shares}
    for share, runs in zip(shares, sweep.values(), strict=True):
        for delay in delays:
            attacker = Withholder(share, (delay * RULES.target_interval,))
            runs.append((delay, Simulation(RULES, IDEAL, alike(1, check=0), seed, attacker).run(blocks)))
    x = "delay of every own block (target intervals)"
    return over(x, sweep, attacked=True, target=RULES.target_interval)


def shade(blocks: int, seed: int, progress: Progress | None) -> ScenarioResult:
    """Garbage on an inferior valid branch, under the first rule of finality and today's. Nothing is left to chance."""
    kinds = {"proven at once": QUICK, "walked down": SLOW, "walked down, deadlines stretched": STRETCHED}
    count = _Count(progress, blocks, len(PENDING))
    first, today, delays = list[Shaded](), list[Shaded](), {label: list[float]() for label in kinds}
    worst = 0.0  # delay per pile over the time that a slash takes
    for honest in PENDING:
        count.next()
        first.append(min(attacks(False, honest, BONDS), key=lambda r: r.per_orphan))
        today.append(max(attacks(True, honest, BONDS), key=lambda r: r.orphaned))
        for label, takes in kinds.items():
            one = [Shade(True, honest, takes).run(BONDS, lasting=False, margin=margin) for margin in MARGINS]
            delays[label].append(min(r.per_minute for r in one))
            worst = max(worst, *(r.delay / takes for r in one))
    found = [Reading("shade.orphans", max(r.orphaned for r in today), "honest blocks", 0.0)]
    found.append(Reading("shade.delay", worst, "slashes per pile", 1.0))
    found += [
        Reading(f"shade.first_rule.{n}_pending", r.per_orphan, "bonds burned per orphan")
        for n, r in zip(PENDING, first, strict=True)
    ]
    found += [
        Reading(f"shade.{_slug(label)}.{n}_pending", value, "bonds burned per minute")
        for label, values in delays.items()
        for n, value in zip(PENDING, values, strict=True)
    ]
    x, at = "honest blocks not final yet", [float(n) for n in PENDING]
    orphans = Curve("first rule", at, [r.orphaned for r in first]), Curve("today", at, [r.orphaned for r in today])
    panels = (
        Panel(x, "honest blocks orphaned", orphans),
        Panel(x, "first rule: bonds burned per orphan", (Curve("", at, [r.per_orphan for r in first]),)),
        Panel(x, "today: bonds burned per minute of delay", tuple(Curve(k, at, v) for k, v in delays.items())),
    )
    return ScenarioResult("shade", "garbage on an inferior branch", tuple(found), panels)


SCENARIOS: dict[str, Scenario] = {
    "steady": steady,
    "join-and-leave": join_and_leave,
    "tenfold-up": tenfold_up,
    "tenfold-down": tenfold_down,
    "storm": storm,
    "shade": shade,
    "latency": latency,
    "selfish": selfish,
    "hopping": hopping,
    "timestamps": timestamps,
    "ten-thousand": ten_thousand,
}


class _Count:
    """Tells the progress of a sweep as that of one run."""

    def __init__(self, progress: Progress | None, blocks: int, runs: int) -> None:
        self._progress, self._blocks, self._runs, self._run = progress, blocks, runs, 0

    def next(self) -> Progress:
        """Returns what the next run reports to."""
        done = self._blocks * self._run // self._runs
        self._run += 1

        def tell(height: int) -> None:
            if self._progress:
                self._progress(done + min(height, POINT) // self._runs)

        tell(0)
        return tell


def _mixed(count: int, seed: int) -> Miners:
    return mixed(count, np.random.default_rng(seed))


def _slug(label: str) -> str:
    return label.replace(",", "").replace("'", "").replace(" ", "_")
