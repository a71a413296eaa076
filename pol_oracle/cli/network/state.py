"""``pol state``: the network that the chain trains, for whoever wants to use it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.lifecycle import Status

from .. import given, output, session
from ..options import Json, States, Threads
from ..settings import Settings
from .blocks import BlockArgument, find

if TYPE_CHECKING:
    from pol_oracle.agents.work.follow import Follower
    from pol_oracle.canonical.models import Model
    from pol_oracle.canonical.state import State
    from pol_oracle.view import View
    from pol_oracle.view.blocks import BlockView

app = typer.Typer(no_args_is_help=True, help="The trained network: export it.")


class Format(StrEnum):
    """Files that hold a network."""

    SAFETENSORS = "safetensors"
    TORCH = "torch"


@app.command()
def export(
    ctx: typer.Context,
    block: BlockArgument,
    out: Annotated[Path, typer.Option(metavar="FILE", callback=given.target, help="File to write.")],
    format_: Annotated[
        Format, typer.Option("--format", help="safetensors, or what torch.load reads.")
    ] = Format.SAFETENSORS,
    store: States = None,
    threads: Threads = 1,
    json: Json = False,
) -> None:
    """Write a block's W': follow the chain up to the block, and name its tensors as torchvision does.

    What is not final is replayed first, and refused if it is wrong: nobody has judged what its header claims.
    `module.load_state_dict` takes what is written. Images are scaled as (pixel - 121) / 64.
    """
    from pol_oracle.files import write_whole

    settings: Settings = ctx.obj
    found = session.deployment(settings)
    view = session.history(session.client(settings, found), found).view
    wanted = find(view, block)
    with session.following(settings, found, view, store, threads) as follower:
        for below in _not_final(view, wanted):
            _verify(follower, view, below)
        state = follower.post(view.lineage(wanted.id), lambda: False)
    status = wanted.status.name.lower()
    facts = {
        "block": output.hex0x(wanted.id),
        "status": status,
        "height": wanted.height,
        "root": output.hex0x(state.root),
    }
    about = {**facts, "correct": wanted.correct_after, "of": found.task.test_count, "model": state.model.name}
    write_whole(out, _encoded(state, format_, {name: str(value) for name, value in about.items()}))
    values = {"file": str(out), **about}
    output.emit(values, json, lambda: output.facts(values))


def _not_final(view: View, block: BlockView) -> list[BlockView]:
    """A block and those below that are not final, from the lowest up."""
    found: list[BlockView] = []
    while block.status is not Status.FINALIZED:
        found.append(block)
        block = view.blocks[block.parent]
    return found[::-1]


def _verify(follower: Follower, view: View, block: BlockView) -> None:
    """Replays a block.

    Raises:
        InputError: it is wrong.
    """
    from pol_oracle.agents.rules.verdicts import Valid
    from pol_oracle.agents.work.replay import Replayer

    verdict = Replayer(follower)(block, view.lineage(block.parent), block.shown, lambda: False)
    if not isinstance(verdict, Valid):
        raise InputError(
            f"block {output.hex0x(block.id)} is {block.status.name.lower()} and wrong ({verdict.reason}): nothing that "
            "it claims is worth exporting; name a final block, or one that does not stand on it"
        )


def read_state(path: Path, model: Model) -> State:
    """Reads a state from a file of the store, or from one in safetensors format.

    Raises:
        InputError: it is neither, or of another model.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    from pol_oracle.canonical.state import State

    data = path.read_bytes()
    if len(data) == model.state_bytes:
        return State.from_bytes(model, data)
    try:
        return State.from_torch(model, load(data))
    except SafetensorError as error:
        raise InputError(
            f"{path} is neither a safetensors file nor a state of {model.name}: write one with {pol('state export')}"
        ) from error


def _encoded(state: State, format_: Format, about: dict[str, str]) -> bytes:
    tensors = state.to_torch()
    if format_ is Format.SAFETENSORS:
        from safetensors.numpy import save

        return save(tensors, about)
    import io

    import torch

    buffer = io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in tensors.items()}, buffer)
    return buffer.getvalue()
