"""The root command ``pol`` and its options."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from pol_oracle import advice
from pol_oracle.protocol.text import place_of

from .failures import PolGroup
from .lab import bench, demo, reproduce, simulate, soak
from .local import devnet, doctor, env, logs, up
from .logs import configure
from .network import agents, blocks, bond, chain, challenge, deploy, explorer, keys, state, store, top
from .settings import load

app = typer.Typer(
    cls=PolGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Proof of learning on Ethereum: miners train a network, verifiers replay each step bit for bit, contracts on "
    "L1 accept or slash. Start with `pol up`: a whole network on this machine.",
    epilog="pol.toml in the current folder (or POL_CONFIG=FILE) sets the same once and for all. An option wins over "
    "the environment, that over the file. There, too: POL_FEE_CAPS, POL_MAX_GAS_PRICE, POL_EXPLORER.",
)
BEGIN, NETWORK, LOOK, ACT, MEASURE = "Begin", "Run a network", "Look", "Act", "Measure"
app.command("up", rich_help_panel=BEGIN)(up.up)
app.command("demo", rich_help_panel=BEGIN)(demo.demo)
app.command("doctor", rich_help_panel=BEGIN)(doctor.doctor)
app.add_typer(devnet.app, name="devnet", rich_help_panel=NETWORK)
app.add_typer(chain.task_app, name="task", rich_help_panel=NETWORK)
app.command("deploy", rich_help_panel=NETWORK)(deploy.deploy)
app.add_typer(keys.app, name="keys", rich_help_panel=NETWORK)
app.add_typer(bond.app, name="bond", rich_help_panel=NETWORK)
app.add_typer(agents.miner_app, name="miner", rich_help_panel=NETWORK)
app.add_typer(agents.verifier_app, name="verifier", rich_help_panel=NETWORK)
app.command("top", rich_help_panel=LOOK)(top.top)
app.command("status", rich_help_panel=LOOK)(chain.status)
app.add_typer(blocks.app, name="blocks", rich_help_panel=LOOK)
app.command("explorer", rich_help_panel=LOOK)(explorer.explorer)
app.command("logs", rich_help_panel=LOOK)(logs.logs)
app.command("plot", rich_help_panel=LOOK)(chain.plot)
app.command("challenge", rich_help_panel=ACT)(challenge.challenge)
app.add_typer(state.app, name="state", rich_help_panel=ACT)
app.add_typer(store.app, name="store", rich_help_panel=ACT)
app.command("env", rich_help_panel=ACT)(env.env)
app.command("bench", rich_help_panel=MEASURE)(bench.bench)
app.command("simulate", rich_help_panel=MEASURE)(simulate.simulate)
app.command("soak", rich_help_panel=MEASURE)(soak.soak)
app.add_typer(reproduce.app, name="reproduce", rich_help_panel=MEASURE)


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        typer.echo(version("pol-oracle"))
    except PackageNotFoundError:
        typer.echo("not installed (run from a checkout)")
    raise typer.Exit


def _typed(ctx: typer.Context, values: Mapping[str, str | None]) -> dict[str, str]:
    """Those of the options that were typed: what the environment and pol.toml say, the next command finds there."""
    sources = {name: ctx.get_parameter_source(name) for name in values}
    typed = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
    return {f"--{name}": value for name, value in values.items() if value is not None and name in typed}


@app.callback()
def root(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            envvar="POL_HOME", help="Working folder: deployment file, keys, store, data sets, journals. (default: .pol)"
        ),
    ] = None,
    rpc: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="POL_RPC",
            help="JSON-RPC endpoint of L1. (default: the deployment's, or the devnet's)",
        ),
    ] = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL",
            envvar="POL_LOG_LEVEL",
            help="debug, info, warning or error; logs go to stderr. (default: warning)",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Options of all commands, before or after them."""
    shown = None if rpc is None else place_of(rpc)  # advice ends up in logs: no secret of an address may
    ctx.with_resource(advice.given(_typed(ctx, {"home": str(home), "rpc": shown})))
    settings = load(home=home, rpc=rpc, log_level=log_level)
    configure(settings.log_level)
    ctx.obj = settings
