"""``pol soak``: does a network survive what the world does to it?"""

from __future__ import annotations

from typing import Annotated

import typer

from .. import output
from ..live import detached
from ..settings import Settings


def soak(
    ctx: typer.Context,
    minutes: Annotated[
        float, typer.Option(min=0.1, max=1e5, help="How many minutes of faults; it takes some longer in all.")
    ] = 60.0,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The number that all chance follows from. (default: drawn, and printed)")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, progress on stderr.")] = False,
) -> None:
    """Run a network under kills, full disks, closed terminals, lying nodes, reorgs; exits 1 if anything honest is lost.

    2 miners, 3 verifiers and now and then a cheat, each a process behind a node of its own. What happens to them and to
    their L1 is drawn from the seed; what is lost is told from L1 alone. Ctrl-C ends it early, with the report so far.
    """
    import secrets
    import sys

    from rich.console import Console

    from pol_oracle.soak.run import SoakConfig, run
    from pol_oracle.soak.screen import print_report

    settings: Settings = ctx.obj
    chosen = secrets.randbelow(1 << 32) if seed is None else seed
    with detached(sys.stderr if json else sys.stdout) as out:
        report = run(SoakConfig(settings.home / "soak", settings.data, 60 * minutes, chosen), Console(file=out))
    values = report.as_dict()
    output.emit(values, json, lambda: print_report(Console(), values))
    if report.problems:
        raise typer.Exit(1)
