"""``pol bench``: measure, and compare with the bars."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from pol_oracle.bench.registry import BENCHES

from .. import given, output
from ..options import Json

PARTS = "; ".join(f"{name}: {', '.join(parts)}" for name, parts in BENCHES.items())


def bench(
    name: Annotated[str, typer.Argument(help=f"Which bench: {', '.join(sorted(BENCHES))}.")],
    only: Annotated[str | None, typer.Option(metavar="PART", help=f"Run one part of it ({PARTS}).")] = None,
    check: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="JSON file of recorded figures by row name; fail where one moved."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, max=100, help="How far a figure may move from its recorded one, in percent.")
    ] = 1.0,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", callback=given.target, help="Write the figures for a later --check.")
    ] = None,
    json: Json = False,
) -> None:
    """Run a bench; exits 1 when a bar is missed or a recorded figure moved."""
    import json as codec
    from dataclasses import replace

    from pol_oracle.bench import format as rows
    from pol_oracle.bench.recorded import read
    from pol_oracle.bench.registry import run

    figures = read(check) if check else None
    with tempfile.TemporaryDirectory(prefix="pol-bench-") as scratch:
        report = run(name, only, Path(scratch))
    if figures is not None:
        report = replace(report, rows=rows.against(report.rows, figures, tolerance / 100))
    output.emit(report.as_dict(), json, lambda: typer.echo("\n".join(rows.text(report))))
    if record:
        record.write_text(codec.dumps({row.name: row.value for row in report.rows}, indent=2) + "\n")
    moved = rows.compare(report.rows, figures, tolerance / 100) if figures is not None else []
    for sentence in moved:
        output.remark(f"pol: {sentence}")
    if moved or not report.ok:
        raise typer.Exit(1)
