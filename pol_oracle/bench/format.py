"""One format for all benches."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One measured figure.

    Attributes:
        name: "part.figure", e.g. "gas.propose".
        value: what was measured.
        unit: its unit, e.g. "gas", "s", "1/min".
        baseline: what it is compared with (an earlier or a rival's figure in the same unit), or None.
        bar: what it has to reach, in the same unit, or None.
        higher_is_better: on which side of the bar good values lie.
        tolerance: how far the value may lie from the baseline, as a fraction of it, or None if anywhere.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    bar: float | None = None
    higher_is_better: bool = False
    tolerance: float | None = None

    @property
    def ratio(self) -> float | None:
        """value / baseline."""
        return self.value / self.baseline if self.baseline else None

    @property
    def ok(self) -> bool | None:
        """Whether the bar is met and the baseline kept to; None if there is nothing to keep to."""
        if self.bar is None:
            return self.steady
        met = self.value >= self.bar if self.higher_is_better else self.value <= self.bar
        return met and self.steady is not False

    @property
    def steady(self) -> bool | None:
        """Whether the value lies within the tolerance around the baseline; None without a tolerance."""
        if self.tolerance is None:
            return None
        return self.baseline is not None and abs(self.value - self.baseline) <= self.tolerance * self.baseline

    def as_dict(self) -> dict[str, Any]:
        """The row as JSON takes it."""
        fields = ("name", "value", "unit", "baseline", "ratio", "bar", "ok")
        return {field: getattr(self, field) for field in fields}


@dataclass(frozen=True)
class BenchReport:
    """What one bench measured."""

    bench: str
    machine: dict[str, Any]
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether no row misses its bar or leaves its tolerance."""
        return all(row.ok is not False for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON takes it."""
        return {"bench": self.bench, "machine": self.machine, "rows": [row.as_dict() for row in self.rows]}


def machine() -> dict[str, Any]:
    """Describes the machine the figures hold for."""
    import numpy

    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": numpy.__version__,
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def text(report: BenchReport) -> list[str]:
    """The report as lines for people, one row per line."""
    head = ", ".join(f"{name} {value}" for name, value in report.machine.items())
    columns = ["name", "value", "unit", "baseline", "ratio", "bar", "ok"]
    cells = [columns] + [_cells(row) for row in report.rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    rows = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells]
    return [f"bench {report.bench} on {head}", *rows]


def _cells(row: Row) -> list[str]:
    sign = ">=" if row.higher_is_better else "<="
    bar = f"{sign} {_number(row.bar)}" if row.bar is not None else "-"
    ok = {True: "yes", False: "NO", None: "-"}[row.ok]
    return [row.name, _number(row.value), row.unit, _number(row.baseline), _number(row.ratio), bar, ok]


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3g}" if abs(value) < 100 else f"{value:,.1f}"


def against(rows: Sequence[Row], recorded: dict[str, float], tolerance: float) -> tuple[Row, ...]:
    """Returns the rows with their recorded figures as baselines that they must keep to."""
    return tuple(replace(row, baseline=recorded.get(row.name), tolerance=tolerance) for row in rows)


def compare(rows: Sequence[Row], recorded: dict[str, float], tolerance: float) -> list[str]:
    """Returns one sentence per row that differs from its recorded figure by more than ``tolerance`` (a fraction)."""
    sentences = []
    for row in against(rows, recorded, tolerance):
        if row.baseline is None:
            sentences.append(f"{row.name} has no recorded figure (now {_number(row.value)} {row.unit})")
        elif not row.steady:
            sentences.append(f"{row.name} is {_number(row.value)} {row.unit}, recorded was {_number(row.baseline)}")
    return sentences
