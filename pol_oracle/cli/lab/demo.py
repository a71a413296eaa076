"""``pol demo``: the whole network in a few minutes, with cheats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import given, output
from ..settings import Settings


def demo(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where figure1.png and demo.json go.")] = Path(),
    blocks: Annotated[int, typer.Option(min=1, help="Honest blocks to be finalized before it ends.")] = 12,
    limit: Annotated[
        float, typer.Option(min=1, max=1e7, help="Seconds after which a demo that has not ended counts as failed.")
    ] = 420.0,
    task: Annotated[
        Path | None,
        typer.Option(metavar="FILE", callback=given.task, help="Task file (TOML) to run instead of the demo's own."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the run's folder (journals, logs, states).")] = False,
    explorer: Annotated[
        bool, typer.Option("--explorer", help="Serve the chain as pages to look at, also after the end, until Ctrl-C.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print what demo.json holds at the end, progress on stderr.")
    ] = False,
) -> None:
    """Run 2 honest miners, 3 verifiers (one lazy), 5 cheats, 3 colluders on a devnet; exits 1 if one gets away."""
    from pol_oracle.demo.run import TASK, DemoConfig, run

    settings: Settings = ctx.obj
    home = settings.home / "demo"
    config = DemoConfig(
        home, settings.data, out, task or TASK, blocks=blocks, limit_s=limit, keep=keep, explorer=explorer
    )
    ending = run(config, to_stderr=json)
    output.emit(ending.as_dict(), json, lambda: None)  # people have seen it
    if ending.problems():
        raise typer.Exit(1)
