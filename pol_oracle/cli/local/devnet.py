"""``pol devnet``: a background Anvil with saved state."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

import typer

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import InputError

from .. import given, output, session
from ..options import Json
from ..settings import Settings

SHORTEST_S = 0.01  # between L1 blocks

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
            max=86400,
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
    from pol_oracle.l1.devnet.anvil import Devnet, DevnetSettings

    settings: Settings = ctx.obj
    if block_time is not None and 0 < block_time < SHORTEST_S:
        raise InputError(f"L1 blocks every {block_time:g} s are too many: {SHORTEST_S:g} s at least, or 0")
    last = Devnet(settings.devnet).last_settings()
    wanted = DevnetSettings(
        last.port if port is None else port,
        last.block_time_s if block_time is None else block_time or None,
        last.accounts if accounts is None else accounts,
    )
    net = Devnet(settings.devnet)
    if net.status().running:
        if replace(wanted, port=wanted.port or last.port) != last:
            raise InputError(
                f"the devnet is already running at {net.rpc}: {pol('devnet down')} first, for other options"
            )
        output.remark("it is running already")
    else:
        net = Devnet.start(settings.devnet, wanted.port, wanted.block_time_s, wanted.accounts)
        _follow(settings, last.port, net.rpc)
    if net.warning:
        output.remark(f"warning: {net.warning}")
    _show(net, json)
    output.remark(f"what is deployed there, {pol('explorer')} shows as pages at http://127.0.0.1:8580")


def _follow(settings: Settings, before: int, rpc: str) -> None:
    """Lets the deployment file name the devnet's port of now, if it named that of before."""
    from pol_oracle.l1.contracts.deployment import Deployment
    from pol_oracle.l1.devnet.ports import HOST

    if not settings.deployment_file.exists():
        return
    found = Deployment.load(settings.deployment_file)
    if found.rpc == f"http://{HOST}:{before}" != rpc:
        found.model_copy(update={"rpc": rpc}).save(settings.deployment_file)
        output.remark(f"{settings.deployment_file} names {rpc} now")


@app.command()
def reset(
    ctx: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Begin anew: clear the chain, the deployment and the agents' memory; keys, data sets and the store stay."""
    from pol_oracle.l1.devnet.anvil import Devnet
    from pol_oracle.localnet import reset as cleared

    settings: Settings = ctx.obj
    if not yes and not typer.confirm(f"Clear the devnet and the agents' memory in {settings.home}?", err=True):
        raise typer.Exit(1)
    net = Devnet(settings.devnet)
    last, was_running = net.last_settings(), net.stop()
    removed = cleared.reset(settings.home.resolve())
    if was_running:
        Devnet.start(settings.devnet, last.port, last.block_time_s, last.accounts)
    text = f"removed: {', '.join(removed) or 'nothing was there'}" + ("; the devnet runs anew" if was_running else "")
    output.emit({"removed": removed, "running": was_running}, json, lambda: typer.echo(text))


@app.command()
def fund(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(help="Account (0x...).")],
    amount: Annotated[str, typer.Argument(help="ETH to add.")] = "100",
    json: Json = False,
) -> None:
    """Give an account ETH out of nothing, as only a devnet can."""
    settings: Settings = ctx.obj
    from pol_oracle.l1.client import Client
    from pol_oracle.protocol.errors import ChainError

    wei, account = given.wei(amount), given.address(address)
    client = Client.connect(session.rpc_without_deployment(settings))
    balance = client.balance(account) + wei
    try:
        client.rpc.request("anvil_setBalance", account, hex(balance))
    except ChainError as error:
        raise InputError(
            f"L1 at {client.rpc.place} is no devnet, and gives nothing away: send it ETH instead"
        ) from error
    values = {"account": account, "wallet": str(balance)}
    output.emit(values, json, lambda: typer.echo(f"{account} has {output.amount(balance)} ETH"))


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
        text = f"not running (folder {net.folder}); start it with {pol('devnet up')}"
    output.emit(values, json, lambda: typer.echo(text))
