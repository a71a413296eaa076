"""What is shown of a network while it runs: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .snapshot import Snapshot

KEPT_LINES = 8
COMMAND = re.compile("`[^`]+`")  # to be pasted into a shell, so it must not be broken over lines


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its heading.
        least: columns a terminal must have for it.
        right: figures, which end at the same place.
        words: its share of the room that is left; 0: it takes what it needs.
    """

    name: str
    least: int = 0
    right: bool = False
    words: int = 0


PARTY_COLUMNS = (
    Column("party"),
    Column("part", least=100, words=2),
    Column("bond ETH", least=70, right=True),
    Column("LEARN", right=True),
    Column("so far", words=2),
    Column("now", words=3),
)
BLOCK_COLUMNS = (
    Column("height", least=70, right=True),
    Column("block"),
    Column("miner"),
    Column("accuracy", least=70, right=True),
    Column("attested by", least=100, words=2),
    Column("status", words=3),
)
STYLES = {"finalized": "green", "pending": "yellow", "slashed": "red", "orphaned": "dim"}


class Screen(Protocol):
    """Where is told what happens."""

    def say(self, line: str) -> None:
        """Tells of something that happened."""

    def show(self, snapshot: Snapshot) -> None:
        """Shows the state of things."""


class PlainLines:
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


class Silence:
    """For who wants to look once."""

    def say(self, line: str) -> None:
        """Nothing."""

    def show(self, snapshot: Snapshot) -> None:
        """Nothing."""


class JsonScreen:
    """Everything as values, for programs.

    Args:
        tell: takes a value.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self._tell = tell
        self._start = time.monotonic()
        self._last: Snapshot | None = None

    def say(self, line: str) -> None:
        """Tells the line with the seconds since the start."""
        self._tell({"event": "said", "seconds": self._seconds, "text": line})

    def show(self, snapshot: Snapshot) -> None:
        """Tells the whole snapshot, if it differs from the last."""
        if snapshot != self._last:
            self._last = snapshot
            self._tell({"event": "network", "seconds": self._seconds, "network": asdict(snapshot)})

    @property
    def _seconds(self) -> float:
        return round(time.monotonic() - self._start, 1)


class LiveScreen:
    """A display that redraws itself."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._start = time.monotonic()
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._snapshot: Snapshot | None = None

    def say(self, line: str) -> None:
        """Adds the line to the log part, which breaks it; if it has a command, it stays above the display as well."""
        said = f"{time.monotonic() - self._start:6.1f}s  {line}"
        if COMMAND.search(line):
            self._live.console.print(said, markup=False, highlight=False, soft_wrap=True)
        self._lines.append(said)
        self._draw()

    def show(self, snapshot: Snapshot) -> None:
        """Redraws with this snapshot."""
        self._snapshot = snapshot
        self._draw()

    def _draw(self) -> None:
        width = self._live.console.width
        parts: list[RenderableType] = []
        if self._snapshot is not None:
            parts += [*sentences(self._snapshot), *tables(self._snapshot, width)]
        parts.append(Panel(Text("\n".join(self._lines)), title="what happens", title_align="left"))
        self._live.update(Group(*parts), refresh=True)


@contextmanager
def open_screen(console: Console) -> Iterator[Screen]:
    """Opens the screen that fits the console, and closes it again on any exit."""
    if not console.is_terminal:
        yield PlainLines(console)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield LiveScreen(live)


def print_once(console: Console, snapshot: Snapshot) -> None:
    """Prints what stands above the log; sentences in a line each, which the terminal may break."""
    for sentence in sentences(snapshot):
        console.print(sentence, soft_wrap=True)
    console.print(*tables(snapshot, console.width))


def sentences(snapshot: Snapshot) -> list[Text]:
    """Returns what stands above the tables: what is wrong, and what has a command, which a cell would break."""
    advising = [row for row in snapshot.parties if COMMAND.search(row.now)]
    return [
        *(Text(alarm, "bold red") for alarm in snapshot.alarms),
        *(Text(f"{row.name}: {row.now}", "red" if row.alarm else "") for row in advising),
    ]


def tables(snapshot: Snapshot, width: int) -> list[Table]:
    """Returns the tables: who takes part, the newest blocks.

    Args:
        snapshot: what is to be shown.
        width: of the terminal in columns; what matters least is left out where it is small.
    """
    return [_parties(snapshot, width), _blocks(snapshot, width)]


def _parties(snapshot: Snapshot, width: int) -> Table:
    acting = any(row.now for row in snapshot.parties)
    shown = [column for column in PARTY_COLUMNS if column.least <= width and (acting or column.name != "now")]
    table = _table(snapshot.title, shown)
    for row in snapshot.parties:
        cells: dict[str, str | Text] = {
            "party": Text(row.name, row.style),
            "part": row.part,
            "bond ETH": row.bond,
            "LEARN": row.learn,
            "so far": row.story,
            "now": Text(COMMAND.sub("…", row.now), "red" if row.alarm else ""),
        }
        table.add_row(*(cells[column.name] for column in shown))
    return table


def _blocks(snapshot: Snapshot, width: int) -> Table:
    shown = [column for column in BLOCK_COLUMNS if column.least <= width]
    table = _table("newest blocks", shown)
    for row in snapshot.blocks:
        status = row.status + (", head" if row.head else "") + (f": {row.waits}" if row.waits else "")
        cells: dict[str, str | Text] = {
            "height": str(row.height),
            "block": row.block,
            "miner": row.miner,
            "accuracy": row.accuracy,
            "attested by": row.attesters,
            "status": Text(status, STYLES.get(row.status.split()[0], "")),
        }
        table.add_row(*(cells[column.name] for column in shown))
    return table


def _table(title: str, columns: Sequence[Column]) -> Table:
    table = Table(title=title, title_justify="left", expand=True)
    for column in columns:
        table.add_column(
            column.name,
            justify="right" if column.right else "left",
            no_wrap=not column.words,
            ratio=column.words or None,
        )
    return table
