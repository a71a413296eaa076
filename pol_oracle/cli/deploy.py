"""``pol deploy``: a task file becomes contracts and a deployment file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pol_oracle.protocol.errors import InputError

from . import output, session
from .options import Account, Dev, Json, PasswordFile
from .settings import Settings


def deploy(
    ctx: typer.Context,
    task: Annotated[Path, typer.Argument(help="Task file (TOML), e.g. tasks/devnet.toml.")],
    account: Account = None,
    dev: Dev = None,
    password_file: PasswordFile = None,
    store: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Folder or URL of the store; repeat to name more to read from."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing deployment file.")] = False,
    json: Json = False,
) -> None:
    """Deploy the contracts for a task and write the deployment file that all agents take."""
    from pol_oracle.agents.launch import launch
    from pol_oracle.chain.client import Client
    from pol_oracle.task import build_workload, load_spec

    settings: Settings = ctx.obj
    path = settings.deployment_file
    if path.exists() and not force:
        raise InputError(f"{path} exists already: replace it with --force, or choose another folder with --home")
    spec = load_spec(task)
    key = session.account(settings, account, dev, password_file)
    connection = Client.connect(session.rpc_without_deployment(settings))
    places = store or [str(settings.store.resolve())]
    made = launch(connection, key, build_workload(spec, settings.data), places)
    made.save(path)
    values = {
        "file": str(path),
        "chain_id": made.chain_id,
        "addresses": made.addresses,
        "task_id": output.hex0x(made.task.id),
        "genesis_id": made.genesis_id,
        "deployed_at": made.deployed_at,
    }
    output.emit(values, json, lambda: output.facts({**made.addresses, "genesis": made.genesis_id, "file": path}))
