"""What an agent takes of its machine, and whether that grows without end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

MIB = 1 << 20
YOUNG_S = 60.0  # in which a process that was started alone still loads what it needs
FEWEST = 12  # samples from which anything is concluded


@dataclass(frozen=True)
class Usage:
    """What one agent takes, or a folder that has no process of its own.

    Attributes:
        files: in its home.
        disk: bytes of them.
        memory: resident, in bytes; None where there is no process.
        threads: of its process, likewise.
        descriptors: that are open, likewise.
    """

    files: int
    disk: int
    memory: int | None = None
    threads: int | None = None
    descriptors: int | None = None


@dataclass(frozen=True)
class Growth:
    """How one figure of one agent changed from the first third of a run to the last.

    Attributes:
        name: of the agent.
        figure: a field of :class:`Usage`.
        before: the median of the first third.
        after: the median of the last.
        most: what ``after`` may be.
    """

    name: str
    figure: str
    before: float
    after: float
    most: float

    @property
    def ok(self) -> bool:
        """Whether it is bounded."""
        return self.after <= self.most


ALLOWED: Mapping[str, tuple[float, float]] = {
    "memory": (1.25, 48 * MIB),  # the history of L1 is kept, some hundred bytes an event
    "threads": (1.0, 6),
    "descriptors": (1.0, 16),
    "files": (1.0, 48),
    "disk": (1.0, 48 * MIB),  # a log before it turns over
}  # the last third may be so many times the first, and so much more


def usage(pid: int, home: Path) -> Usage | None:
    """Reads what a process and its home take; None if the process has ended. Reads /proc."""
    process = Path("/proc") / str(pid)
    try:
        lines = (process / "status").read_text().splitlines()
        told = dict(line.split(":", 1) for line in lines)
        memory, threads = int(told["VmRSS"].split()[0]) << 10, int(told["Threads"])
        descriptors = len(list((process / "fd").iterdir()))
    except (OSError, KeyError):  # gone, or a zombie
        return None
    return Usage(*on_disk(home), memory, threads, descriptors)


def on_disk(folder: Path) -> tuple[int, int]:
    """Returns how many files there are in a folder, and their bytes; links are not followed."""
    count = size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(place) / name).lstat().st_size
            except FileNotFoundError:  # gone in between
                continue
            count += 1
    return count, size


def growth(samples: Mapping[str, Sequence[Usage]]) -> tuple[Growth, ...]:
    """Compares the first third of each agent's samples with the last; nobody with few samples is judged."""
    return tuple(row for name, taken in samples.items() if len(taken) >= FEWEST for row in _rows(name, taken))


def _rows(name: str, taken: Sequence[Usage]) -> Iterable[Growth]:
    third = len(taken) // 3
    for field in fields(Usage):
        if getattr(taken[0], field.name) is None:
            continue
        before, after = (median(getattr(u, field.name) for u in part) for part in (taken[:third], taken[-third:]))
        times, more = ALLOWED[field.name]
        yield Growth(name, field.name, before, after, before * times + more)
