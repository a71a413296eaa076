"""``pol up``: a living network in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pol_oracle.advice import pol

from .. import given, output
from ..live import detached
from ..settings import Settings


def _known(names: list[str] | None) -> list[str] | None:
    """Names of cheats; others are refused before anything is loaded."""
    from pol_oracle.demo.cast import check_cheats

    check_cheats(names or ())
    return names


def up(
    ctx: typer.Context,
    cheat: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            callback=_known,
            help="Let one of the demo's cheats loose as well, and see it slashed: no-search, one-ulp, wrong-value, "
            "wrong-segment, other-batch, thief, lazy, colluder-1 (-2, -3); can be repeated.",
        ),
    ] = None,
    blocks: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many of the miner's blocks became final. (default: Ctrl-C)")
    ] = None,
    explorer: Annotated[
        bool, typer.Option("--explorer", help="Serve pages to look at the chain as well (`pol explorer`).")
    ] = False,
    task: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", callback=given.task, help="Task file (TOML) for the first start. (default: the demo's)"
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print what happens, and the table whenever it changes, as JSON lines.")
    ] = False,
) -> None:
    """Bring a whole network up: devnet, contracts, bonds, a miner and two verifiers; Ctrl-C stops it, `up` goes on."""
    import sys
    from contextlib import nullcontext
    from json import dumps

    from rich.console import Console

    from pol_oracle.localnet.run import LocalnetConfig, run
    from pol_oracle.watch.screen import JsonScreen, Screen, open_screen

    settings: Settings = ctx.obj
    config = LocalnetConfig(settings.home.resolve(), task, tuple(cheat or ()), blocks, explorer)
    with detached(sys.stdout) as out:

        def tell(record: dict[str, Any]) -> None:
            out.write(f"{dumps(output.envelope(record))}\n")

        screen: Screen = JsonScreen(tell)
        final = run(config, nullcontext(screen) if json else open_screen(Console(file=out)))
        if json:
            tell({"event": "stopped", "own_final": final})
    output.remark(f"stopped with {final} own blocks final; {pol('up')} goes on from there")
