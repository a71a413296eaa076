"""``pol env``: addresses and endpoint for other tools' shells."""

from __future__ import annotations

import re
import shlex

import typer

from .. import output, session
from ..options import Json
from ..settings import Settings


def env(ctx: typer.Context, json: Json = False) -> None:
    """Print what `eval "$(pol env)"` sets: RPC and addresses, for cast, forge and scripts.

    ETH_RPC_URL is what Foundry reads; POL_REGISTRY, BOND_VAULT and so on are the contracts' addresses.
    """
    settings: Settings = ctx.obj
    found = session.deployment(settings)
    values = {
        "POL_HOME": str(settings.home.resolve()),
        "ETH_RPC_URL": settings.rpc or found.rpc,
        "CHAIN_ID": str(found.chain_id),
        "TASK_ID": output.hex0x(found.task.id),
        "GENESIS_ID": found.genesis_id,
        **{_name(contract): address for contract, address in found.addresses.items()},
    }
    lines = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in values.items())
    output.emit({"variables": values}, json, lambda: typer.echo(lines))


def _name(contract: str) -> str:
    """BondVault -> BOND_VAULT; PoLRegistry -> POL_REGISTRY."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", contract.replace("PoL", "Pol")).upper()
