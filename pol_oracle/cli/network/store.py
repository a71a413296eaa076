"""``pol store``: final states and headers, for others to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pol_oracle.protocol.errors import InputError

from .. import output, session
from ..options import Json
from ..settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="The store of final states, named by their root, and of headers: late joiners begin with them.",
)


@app.command()
def serve(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Option(help="Folder to serve. (default: store in the home folder)")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")] = 8547,
    json: Json = False,
) -> None:
    """Serve states and headers over HTTP until Ctrl-C, to read. Others name it with `pol verifier run --store URL`."""
    from pol_oracle.store.server import serve as run

    settings: Settings = ctx.obj
    where = folder or settings.store

    def ready(url: str) -> None:
        values = {"url": url, "folder": str(where)}
        output.emit(values, json, lambda: output.remark(f"serving {where} at {url}"))

    run(where, host, port, ready)


@app.command()
def prune(
    ctx: typer.Context,
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest final blocks keep their states.")] = 4,
    folder: Annotated[
        Path | None, typer.Option(help="Folder to prune. (default: the deployment's, if that is a folder)")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Remove nothing; say what would go.")] = False,
    json: Json = False,
) -> None:
    """Remove states that nobody needs to go on from: of old final blocks, and of blocks that were slashed or orphaned.

    States of pending blocks and the first one stay. What is removed can be computed again, by replay.
    """
    settings: Settings = ctx.obj
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder} is no folder on this machine")

    from pol_oracle.agents.storage.published import needed_roots, spent_roots
    from pol_oracle.protocol.rules import RuleSet
    from pol_oracle.store import StateStore

    found = session.deployment(settings)
    if folder is None and not found.store:
        raise InputError("the deployment names no store: name a --folder")
    store = StateStore([folder or found.store[0]])
    if not store.local:
        raise InputError(f"{store.places[0]} is no folder on this machine: prune it where it is, or name a --folder")
    view = session.history(session.client(settings, found), found).view
    stale = store.roots() - needed_roots(view, keep) - {found.task.initial_root}
    if found.task.rule_set is RuleSet.PAPER:  # states are there before L1 shows their block
        stale &= spent_roots(view, keep)
    size = sum(store.size(root) for root in stale)
    for root in () if dry_run else stale:
        store.remove(root)
    data = {
        "folder": store.places[0],
        "removed": [output.hex0x(r) for r in sorted(stale)],
        "bytes": size,
        "dry_run": dry_run,
    }
    told = (
        f"{'would remove' if dry_run else 'removed'} {len(stale)} states, {size / 1e6:,.1f} MB, from {store.places[0]}"
    )
    output.emit(data, json, lambda: typer.echo(told))
