"""``pol simulate``: the rules of difficulty and fork choice over many blocks, with bars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import output
from ..options import Json

if TYPE_CHECKING:
    from pol_oracle.simulate.results import ScenarioResult

NAMES = (
    "steady, join-and-leave, tenfold-up, tenfold-down, storm, shade, latency, selfish, hopping, timestamps, "
    "ten-thousand"
)


def simulate(
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"Run one scenario ({NAMES}). (default: all)")
    ] = None,
    blocks: Annotated[
        int, typer.Option(min=100, help="How many blocks each chain gets; sweeps take fewer per point.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The number that all chance follows from.")] = 1,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder for one picture per scenario, NAME.png.")
    ] = None,
    json: Json = False,
) -> None:
    """Simulate miners that join and leave, latency and attackers; exits 1 when a bar is missed."""
    from pol_oracle.bench import format as rows
    from pol_oracle.protocol.errors import InputError
    from pol_oracle.simulate.scenarios.catalogue import SCENARIOS

    if scenario is not None and scenario not in SCENARIOS:
        raise InputError(f"there is no scenario {scenario!r}; choose from: {', '.join(SCENARIOS)}")
    told = [_run(name, blocks, seed, out) for name in ([scenario] if scenario else SCENARIOS)]
    report = rows.BenchReport(
        "simulate",
        {"blocks": blocks, "seed": seed},
        tuple(rows.Row(r.name, r.value, r.unit, bar=r.bar) for each in told for r in each.readings),
    )
    values = report.as_dict() | {"ok": report.ok, "scenarios": [each.as_dict() for each in told]}
    output.emit(values, json, lambda: typer.echo("\n".join(rows.text(report))))
    if not report.ok:
        raise typer.Exit(1)


def _run(name: str, blocks: int, seed: int, out: Path | None) -> ScenarioResult:
    """Runs one scenario under a progress bar on stderr and draws it."""
    from rich.console import Console
    from rich.progress import Progress

    from pol_oracle.simulate.scenarios.catalogue import SCENARIOS

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=blocks)
        told = SCENARIOS[name](blocks, seed, lambda done: bar.update(task, completed=done))
    if out:
        from pol_oracle.files import write_whole
        from pol_oracle.simulate.figure import draw

        out.mkdir(parents=True, exist_ok=True)
        write_whole(out / f"{name}.png", draw(told))
    return told
