"""``pol store``: final states, for others to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import output
from ..options import Json
from ..settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="The store of final states, named by their root: late joiners begin with one."
)


@app.command()
def serve(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Option(help="Folder to serve. (default: store in the home folder)")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")] = 8547,
    json: Json = False,
) -> None:
    """Serve states over HTTP, read-only, until Ctrl-C. Others name it with `pol verifier run --store URL`."""
    from pol_oracle.store import serve as run

    settings: Settings = ctx.obj
    where = folder or settings.store

    def ready(url: str) -> None:
        values = {"url": url, "folder": str(where)}
        output.emit(values, json, lambda: typer.echo(f"serving {where} at {url}", err=True))

    run(where, host, port, ready)
