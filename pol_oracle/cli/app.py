"""The root command ``pol`` and its options."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from .failures import PolGroup
from .lab import bench, demo, reproduce, simulate, soak
from .local import devnet, doctor, up
from .logs import configure
from .network import agents, blocks, bond, chain, challenge, deploy, explorer, keys, state, store, top
from .settings import load

app = typer.Typer(
    cls=PolGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Proof of learning on Ethereum: miners train a network, verifiers replay each step bit for bit, contracts on "
    "L1 accept or slash. Start with `pol up`: a whole network on this machine.",
)
app.command("up")(up.up)
app.command("top")(top.top)
app.command("doctor")(doctor.doctor)
app.add_typer(devnet.app, name="devnet")
app.command("deploy")(deploy.deploy)
app.add_typer(keys.app, name="keys")
app.add_typer(bond.app, name="bond")
app.add_typer(agents.miner_app, name="miner")
app.add_typer(agents.verifier_app, name="verifier")
app.add_typer(blocks.app, name="blocks")
app.command("challenge")(challenge.challenge)
app.add_typer(chain.task_app, name="task")
app.command("explorer")(explorer.explorer)
app.command("status")(chain.status)
app.command("plot")(chain.plot)
app.add_typer(state.app, name="state")
app.add_typer(store.app, name="store")
app.command("bench")(bench.bench)
app.command("simulate")(simulate.simulate)
app.command("demo")(demo.demo)
app.command("soak")(soak.soak)
app.add_typer(reproduce.app, name="reproduce")


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        typer.echo(version("pol-oracle"))
    except PackageNotFoundError:
        typer.echo("not installed (run from a checkout)")
    raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(help="Working folder: deployment file, keys, store, data sets, journals. (default: .pol)"),
    ] = None,
    rpc: Annotated[
        str | None,
        typer.Option(metavar="URL", help="JSON-RPC endpoint of L1. (default: the deployment's, or the devnet's)"),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="debug, info, warning or error; logs go to stderr. (default: warning)"),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of all commands; POL_HOME, POL_RPC and POL_LOG_LEVEL set them once and for all."""
    settings = load(home=home, rpc=rpc, log_level=log_level)
    configure(settings.log_level)
    ctx.obj = settings
