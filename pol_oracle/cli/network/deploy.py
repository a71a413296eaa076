"""``pol deploy``: a task file becomes contracts and a deployment file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pol_oracle.protocol.errors import InputError

from .. import given, output, session
from ..options import Account, Dev, Json, PasswordFile
from ..settings import Settings
from .state import read_state

if TYPE_CHECKING:
    from pol_oracle.canonical.state import State
    from pol_oracle.store import StateStore

ROOT = re.compile(r"[0-9a-f]{64}")


def _readable(named: str | None) -> str | None:
    """A state to begin with; a file that is not there is told before anything is loaded."""
    if named is not None and not ROOT.fullmatch(named.removeprefix("0x")):
        given.source(Path(named))
    return named


def deploy(
    ctx: typer.Context,
    task: Annotated[
        Path,
        typer.Argument(callback=given.task, help="Task file (TOML), or the name of one that comes along, e.g. devnet."),
    ],
    account: Account = None,
    dev: Dev = None,
    password_file: PasswordFile = None,
    store: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Folder or URL of the store; repeat to name more to read from."),
    ] = None,
    from_state: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|ROOT",
            callback=_readable,
            help="State to begin with, instead of the seed's: a file (`pol state export`, or .f32), or a root in the "
            "store.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing deployment file.")] = False,
    json: Json = False,
) -> None:
    """Deploy the contracts for a task and write the deployment file that all agents take."""
    settings: Settings = ctx.obj
    path = settings.deployment_file
    if path.exists() and not force:
        raise InputError(f"{path} exists already: replace it with --force, or choose another folder with --home")
    session.check_account(settings, account, dev)

    from pol_oracle.l1.client import Client
    from pol_oracle.launch import launch
    from pol_oracle.localnet.reset import set_aside
    from pol_oracle.store import StateStore
    from pol_oracle.task import build_workload
    from pol_oracle.task_file import load_spec

    spec = load_spec(task)
    connection = Client.connect(session.rpc_without_deployment(settings))
    key = session.account(settings, account, dev, password_file)
    places = store or [str(settings.store.resolve())]
    kept = StateStore(places)
    if from_state is not None:
        spec = spec.model_copy(update={"initial": output.hex0x(_given(from_state, spec.model, kept).root)})
    workload = build_workload(spec, settings.data, store=kept)
    made = launch(connection, key, workload, places, session.fees(settings), path)
    if (aside := set_aside(settings.agents)) is not None:
        output.remark(f"what agents remembered of the earlier deployment is in {aside}; they begin anew")
    values = {
        "file": str(path),
        "chain_id": made.chain_id,
        "addresses": made.addresses,
        "task_id": output.hex0x(made.task.id),
        "genesis_id": made.genesis_id,
        "initial_root": output.hex0x(made.task.initial_root),
        "deployed_at": made.deployed_at,
    }
    output.emit(values, json, lambda: output.facts({**made.addresses, "genesis": made.genesis_id, "file": path}))


def _given(named: str, model_name: str, kept: StateStore) -> State:
    """Reads the state that a network begins with, and keeps a copy of it where agents find it.

    Raises:
        InputError: it is no state of the model, or not finite.
        StoreError: the store does not have it, or cannot be written to.
    """
    from pol_oracle.canonical.models import build_model
    from pol_oracle.task import fetch_state

    model, root = build_model(model_name), named.removeprefix("0x")
    if ROOT.fullmatch(root):
        return fetch_state(kept, model, bytes.fromhex(root))
    state = read_state(Path(named), model)
    if not state.finite:
        raise InputError(f"{named} holds weights that are not finite: no network can begin with it")
    kept.put(state.root, state.to_bytes())
    return state
