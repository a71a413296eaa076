"""``pol task show``, ``pol status``, ``pol plot``: what is known of the network as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import given, output, session, values
from ..options import Json
from ..settings import Settings

if TYPE_CHECKING:
    from pol_oracle.protocol.parameters import Parameters

task_app = typer.Typer(no_args_is_help=True, help="The task: model, data, rules and parameters.")
SHOWN_MOVES = 20
# fields of [data] that mean something for each kind of data
DATA_FIELDS = {"digits": ("train", "test", "seed"), "cifar10": ("folder", "download")}


@task_app.command("show")
def show_task(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="Task file (TOML) to check and show, or the name of one. (default: the deployed task)"),
    ] = None,
    json: Json = False,
) -> None:
    """Show the deployed task, or check a task file."""
    settings: Settings = ctx.obj
    if file is not None:
        from pol_oracle.task_file import load_spec

        spec = load_spec(file)
        chosen = {"training_steps": spec.steps, "mask_size": spec.counted_weights}
        data: dict[str, Any] = {"spec": _spec(spec.model_dump() | chosen, spec.parameters())}
    else:
        found = session.deployment(settings)
        roots = {k: output.hex0x(v) if isinstance(v, bytes) else v for k, v in vars(found.task).items()}
        data = {"task_id": output.hex0x(found.task.id), "spec": _spec(found.spec, found.parameters), "task": roots}
    output.emit(data, json, lambda: output.facts(_flat(data)))


def _spec(spec: dict[str, Any], parameters: Parameters) -> dict[str, Any]:
    """The spec without what only holds for other kinds of data, and with all that follows for difficulty."""
    from pol_oracle.protocol.difficulty import to_bits

    data = spec.get("data", {})
    others = {name for kind, names in DATA_FIELDS.items() if kind != data.get("kind") for name in names}
    chain = spec.get("chain", {}) | {
        "difficulty_bits": to_bits(parameters.difficulty),
        "min_bits": to_bits(parameters.min_difficulty),
        "max_bits": to_bits(parameters.max_difficulty),
        "target_interval": parameters.target_interval,
        "half_life": parameters.half_life,
    }
    shown = spec | {"data": {name: value for name, value in data.items() if name not in others}, "chain": chain}
    return {name: value for name, value in shown.items() if value is not None}


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def status(
    ctx: typer.Context,
    moves: Annotated[
        int, typer.Option(min=0, help="How many of the latest rewards and losses to list; 0 for all.")
    ] = SHOWN_MOVES,
    json: Json = False,
) -> None:
    """Head, finalized height, difficulty, who is bonded, and what each reward or loss was for."""
    from pol_oracle.report.ledger import ledger

    settings: Settings = ctx.obj
    found = session.deployment(settings)
    told = session.history(session.client(settings, found), found)
    entries = ledger(told.events)[-moves:] if moves else ledger(told.events)
    data = values.network(told.view, found) | {"moves": [values.move(entry) for entry in entries]}

    def draw() -> None:
        from ..pictures.status import show

        show(told.view, found, entries, session.names(settings, found))

    output.emit(data, json, draw)


def plot(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option(metavar="FILE", callback=given.target, help="PNG file to write.")] = Path(
        "figure1.png"
    ),
    json: Json = False,
) -> None:
    """Draw accuracy and block interval over block height, from chain data alone."""
    settings: Settings = ctx.obj
    found = session.deployment(settings)
    told = session.history(session.client(settings, found), found)

    from pol_oracle.report.figure import draw
    from pol_oracle.report.history import finalized_chain

    chain = finalized_chain(told.events)
    draw(chain, found.task.test_count, out)
    data = {"file": str(out), "blocks": len(chain)}
    output.emit(data, json, lambda: typer.echo(f"{out}: {len(chain)} finalized blocks"))
