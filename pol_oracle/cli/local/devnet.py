"""``pol devnet``: a background Anvil with saved state."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from .. import output
from ..options import Json
from ..settings import Settings

app = typer.Typer(no_args_is_help=True, help="A local L1: Anvil in the background, its chain saved in the home folder.")


@app.command()
def up(
    ctx: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="TCP port on 127.0.0.1; 0 takes any free one. (default: as last time, else 8545)"
        ),
    ] = None,
    block_time: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Seconds between L1 blocks; 0 makes a block per transaction. (default: as last time, else 1)",
        ),
    ] = None,
    accounts: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Accounts that hold 10,000 ETH each. (default: as last time, else 20)"),
    ] = None,
    json: Json = False,
) -> None:
    """Start the devnet, on the chain and with the options it had when it was last stopped."""
    from pol_oracle.l1.devnet.anvil import Devnet

    settings: Settings = ctx.obj
    last = Devnet(settings.devnet).last_settings()
    net = Devnet.start(
        settings.devnet,
        last.port if port is None else port,
        last.block_time_s if block_time is None else block_time or None,
        last.accounts if accounts is None else accounts,
    )
    if net.warning:
        typer.echo(f"warning: {net.warning}", err=True)
    _show(net, json)


@app.command()
def down(ctx: typer.Context, json: Json = False) -> None:
    """Stop the devnet; its chain is saved."""
    from pol_oracle.l1.devnet.anvil import Devnet

    settings: Settings = ctx.obj
    stopped = Devnet(settings.devnet).stop()
    text = "the devnet is stopped; its chain is saved" if stopped else "the devnet was not running"
    output.emit({"stopped": stopped}, json, lambda: typer.echo(text))


@app.command()
def status(ctx: typer.Context, json: Json = False) -> None:
    """Say whether the devnet runs, and where."""
    from pol_oracle.l1.devnet.anvil import Devnet

    settings: Settings = ctx.obj
    _show(Devnet(settings.devnet), json)


def _show(net: object, json: bool) -> None:
    from pol_oracle.l1.devnet.anvil import Devnet

    assert isinstance(net, Devnet)
    found = net.status()
    values = {**asdict(found), "folder": str(net.folder)}
    if found.running:
        text = f"running at {found.rpc}, L1 block {found.block}, process {found.pid}, folder {net.folder}"
    else:
        text = f"not running (folder {net.folder}); start it with `pol devnet up`"
    output.emit(values, json, lambda: typer.echo(text))
