"""``pol top``: the table of any network, with the reason for waiting in each row."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from .. import output, session
from ..names import Names
from ..options import Json
from ..settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from pol_oracle.watch.watcher import Watcher


def top(
    ctx: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Print the table and exit, as where there is no terminal.")
    ] = False,
    json: Json = False,
) -> None:
    """Show who takes part, what each does or waits for, and the newest blocks; Ctrl-C ends it."""
    from rich.console import Console

    from pol_oracle.l1.devnet.accounts import CHAIN_ID
    from pol_oracle.watch.observer import Observer
    from pol_oracle.watch.screen import Silence, open_screen
    from pol_oracle.watch.watcher import Watcher

    settings: Settings = ctx.obj
    found = session.deployment(settings)
    observer, console = Observer(session.client(settings, found), found), Console()
    names = Names.of(settings, found.chain_id == CHAIN_ID).known
    if json or once or not console.is_terminal:
        watcher = Watcher(observer, settings.agents, Silence(), names)
        watcher.turn()
        _print(watcher, console, json)
        return
    with suppress(KeyboardInterrupt), open_screen(console) as screen:
        Watcher(observer, settings.agents, screen, names).watch()


def _print(watcher: Watcher, console: Console, json: bool) -> None:
    from pol_oracle.watch.screen import print_once

    shown = watcher.network().snapshot()
    output.emit(asdict(shown), json, lambda: print_once(console, shown))
