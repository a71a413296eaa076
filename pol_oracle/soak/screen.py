"""What a soak shows: what happens, how far it is, and the verdict as a table."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from .judging.resources import MIB

EVERY_S = 60.0  # a line that says how far it is, where there is no bar


class SoakScreen:
    """A bar on a terminal, with a line above it for each thing that happens; lines alone elsewhere.

    Args:
        console: to show it on.
        seconds: that faults last.
    """

    def __init__(self, console: Console, seconds: float) -> None:
        self._console = console
        self._began = self._shown = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("setting the stage", total=seconds)

    def say(self, text: str, style: str = "") -> None:
        """Tells of something that happened."""
        stamp = f"{time.monotonic() - self._began:7.1f}s  "
        self._console.print(stamp + text, style=style, markup=False, highlight=False, soft_wrap=True)

    def show(self, seconds: float, text: str) -> None:
        """Says how far it is."""
        self._bar.update(self._task, completed=seconds, description=text)
        if not self._console.is_terminal and time.monotonic() - self._shown >= EVERY_S:
            self._shown = time.monotonic()
            self.say(text)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()


def print_report(console: Console, report: dict[str, Any]) -> None:
    """Prints who has what, what agents take of the machine, and what was lost."""
    money = Table(title=f"after {report['seconds']:.0f} s, seed {report['seed']}", title_justify="left")
    for column in ("account", "start ETH", "won", "gas", "now", "transactions"):
        money.add_column(column, justify="left" if column == "account" else "right")
    for name, row in report["accounts"].items():
        figures = (f"{row[key]:.6f}" for key in ("start_eth", "won_eth", "gas_eth", "now_eth"))
        money.add_row(name, *figures, str(row["transactions"]))
    console.print(money)
    if report["growth"]:
        console.print(_growth(report["growth"]))
    if not report["accounts"].keys() & report["growth"].keys():
        console.print("no agent was at work for long enough to see whether what it takes grows")
    console.print(_summary(report), highlight=False, markup=False)
    for problem in report["problems"]:
        console.print(f"LOST: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)


def _growth(growth: dict[str, dict[str, Any]]) -> Table:
    table = Table(title="median of the first third → of the last", title_justify="left")
    units = {"memory": MIB, "threads": 1, "descriptors": 1, "files": 1, "disk": MIB}
    table.add_column("agent")
    for figure, unit in units.items():
        table.add_column(f"{figure} MiB" if unit > 1 else figure, justify="right")
    for name, figures in growth.items():
        cells = (_change(figures[figure], unit) if figure in figures else "–" for figure, unit in units.items())
        table.add_row(name, *cells)
    return table


def _change(change: tuple[float, float], unit: int) -> str:
    before, after = change
    return f"{before / unit:.1f} → {after / unit:.1f}" if unit > 1 else f"{before:g} → {after:g}"


def _summary(report: dict[str, Any]) -> str:
    blocks = report["blocks"]
    recovery = report["recovery_s"]
    parts = [
        f"{blocks['final']} final blocks ({blocks['final_per_minute']:.1f} a minute)",
        f"{blocks['wrong']} wrong ones, {blocks['wrong_slashed']} of them slashed",
        f"longest pause {blocks['longest_pause']} L1 blocks",
        f"{sum(report['faults'].values())} faults, {sum(report['lies'].values())} lies",
        f"{report['honest_orphaned']} honest blocks orphaned",
    ]
    if recovery is not None:
        parts.append(f"a block final {recovery:.0f} s after the last fault")
    return "; ".join(parts)
