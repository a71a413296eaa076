"""What the demo shows while it runs: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .progress import Snapshot
from .verdict import DemoOutcome

KEPT_LINES = 8
STYLES = {"finalized": "green", "pending": "yellow", "slashed": "red", "orphaned": "dim"}


class DemoScreen(Protocol):
    """Where the demo reports to."""

    def say(self, line: str) -> None:
        """Tells of something that happened."""

    def show(self, snapshot: Snapshot) -> None:
        """Shows the state of things."""


class DemoLines:
    """Plain lines, for logs and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._start = time.monotonic()

    def say(self, line: str) -> None:
        """Prints the line with the seconds since the start."""
        self._console.print(
            f"{time.monotonic() - self._start:6.1f}s  {line}", markup=False, highlight=False, soft_wrap=True
        )

    def show(self, snapshot: Snapshot) -> None:
        """Nothing: every change of the snapshot was a line already."""


class LiveScreen:
    """A display that redraws itself."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._start = time.monotonic()
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._snapshot: Snapshot | None = None

    def say(self, line: str) -> None:
        """Adds the line to the log part."""
        self._lines.append(f"{time.monotonic() - self._start:6.1f}s  {line}")
        self._draw()

    def show(self, snapshot: Snapshot) -> None:
        """Redraws with this snapshot."""
        self._snapshot = snapshot
        self._draw()

    def _draw(self) -> None:
        parts: list[Table | Panel] = []
        if self._snapshot is not None:
            parts += [_parties(self._snapshot), _blocks(self._snapshot)]
        parts.append(Panel(Text("\n".join(self._lines)), title="what happens", title_align="left"))
        self._live.update(Group(*parts), refresh=True)


@contextmanager
def open_screen(console: Console) -> Iterator[DemoScreen]:
    """Opens the screen that fits the console, and closes it again on any exit."""
    if not console.is_terminal:
        yield DemoLines(console)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield LiveScreen(live)


def _parties(snapshot: Snapshot) -> Table:
    table = Table(title=snapshot.title, title_justify="left", expand=True)
    for column in ("party", "part", "bond ETH", "LEARN", "so far"):
        table.add_column(column, justify="right" if column in ("bond ETH", "LEARN") else "left")
    for row in snapshot.parties:
        style = "green" if row.honest else "red" if row.over else "yellow"
        table.add_row(Text(row.name, style), row.part, row.bond, row.learn, row.story)
    return table


def _blocks(snapshot: Snapshot) -> Table:
    table = Table(title="newest blocks", title_justify="left", expand=True)
    for column in ("height", "block", "miner", "accuracy", "attested by", "status"):
        table.add_column(column)
    for row in snapshot.blocks:
        status = Text(row.status + (", head" if row.head else ""), STYLES.get(row.status.split()[0], ""))
        table.add_row(str(row.height), row.block, row.miner, row.accuracy, row.attesters, status)
    return table


def print_ending(console: Console, ending: DemoOutcome, files: Sequence[str]) -> None:
    """Prints who won and lost what and why, and whether the demo passed."""
    table = Table(title=f"after {ending.seconds:.0f} s", title_justify="left")
    for column in ("party", "part", "ETH", "LEARN", "why"):
        table.add_column(column, justify="right" if column in ("ETH", "LEARN") else "left")
    for name, row in ending.as_dict()["balances"].items():
        table.add_row(name, row["part"], f"{row['net_eth']:+.3g}", f"{row['learn']:.4g}", row["why"])
    console.print(table)
    console.print(f"{ending.scene.honest_finalized} honest blocks finalized; wrote {', '.join(files)}", highlight=False)
    if learned := ending.learned:
        first, last = (f"{100 * share:.1f} %" for share in learned)
        console.print(f"the network classified {first} of the test set after the first block, {last} after the last")
    for problem in ending.problems():
        console.print(f"FAILED: {problem}", style="red", markup=False, highlight=False)


def console() -> Console:
    """Returns the console of stdout, wide enough for the tables where there is no terminal."""
    return Console() if sys.stdout.isatty() else Console(width=160, force_terminal=False)
