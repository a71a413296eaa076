"""``pol blocks``: look at blocks, replay one, follow them as they come."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import InputError, Unreachable

from .. import output, session, values
from ..options import Json, States, Threads
from ..pages import block_page
from ..settings import Settings

if TYPE_CHECKING:
    from pol_oracle.agents.rules.verdicts import Verdict
    from pol_oracle.l1.monitor import Monitor, Update
    from pol_oracle.view import View
    from pol_oracle.view.blocks import BlockView

app = typer.Typer(no_args_is_help=True, help="Blocks: list, show, verify (replay) and watch them.")
SHORTEST_PREFIX = 4
ID = re.compile(rf"(0x)?[0-9a-fA-F]{{{SHORTEST_PREFIX},64}}…?")
NAMED = ("head", "final")


def _meant(text: str) -> str:
    """What can name a block; all else is refused before anything is loaded or asked."""
    if not (text in NAMED or text.isdecimal() or ID.fullmatch(text)):
        raise InputError(
            f"{text!r} names no block: give `head`, `final`, a height, or at least {SHORTEST_PREFIX} digits of its id"
        )
    return text


BlockArgument = Annotated[
    str,
    typer.Argument(
        metavar="ID", callback=_meant, help="Block id in hex, or its first digits; `head`, `final`, or a height."
    ),
]


@app.command("list")
def list_(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=0, help="How many of the newest blocks; 0 for all.")] = 20,
    json: Json = False,
) -> None:
    """List blocks, newest last."""
    settings: Settings = ctx.obj
    found = session.deployment(settings)
    view = session.history(session.client(settings, found), found).view
    blocks = [block for block in view.blocks.values() if block.header]
    chosen = blocks[-limit:] if limit else blocks
    data = {"blocks": [values.block(block, view) for block in chosen], "total": len(blocks)}

    def draw() -> None:
        from ..pictures.blocks import show_list

        show_list(chosen, view, found, session.names(settings, found))

    output.emit(data, json, draw)


@app.command()
def show(ctx: typer.Context, block: BlockArgument, json: Json = False) -> None:
    """Show everything L1 knows about a block."""
    settings: Settings = ctx.obj
    found = session.deployment(settings)
    told = session.history(session.client(settings, found), found)
    wanted = find(told.view, block)
    life = [event for event in told.events if getattr(event, "block_id", None) == wanted.id]
    data = values.details(wanted, told.view, found, life) | {"page": block_page(settings, found, wanted.id)}

    def draw() -> None:
        from ..pictures.blocks import show_one

        show_one(wanted, life, data, told.view, session.names(settings, found))

    output.emit(data, json, draw)


@app.command()
def verify(
    ctx: typer.Context,
    block: BlockArgument,
    store: States = None,
    threads: Threads = 1,
    json: Json = False,
) -> None:
    """Follow the chain up to a block and replay it on this machine, bit for bit; exits 1 if the block is wrong."""
    settings: Settings = ctx.obj
    found = session.deployment(settings)
    view = session.history(session.client(settings, found), found).view
    wanted = find(view, block)
    if wanted.header is None:
        raise InputError("genesis holds no step to replay: name a later block")

    from pol_oracle.agents.rules.verdicts import Valid
    from pol_oracle.agents.work.replay import Replayer

    with session.following(settings, found, view, store, threads) as follower:
        verdict = Replayer(follower)(wanted, view.lineage(wanted.parent), wanted.shown, lambda: False)
    data = {"id": output.hex0x(wanted.id), **findings(verdict)}
    output.emit(data, json, lambda: typer.echo(f"block {data['id']} is {judgement(data)}"))
    if not isinstance(verdict, Valid):
        raise typer.Exit(1)


@app.command()
def watch(
    ctx: typer.Context,
    past: Annotated[bool, typer.Option(help="Begin with all past events instead of the next one.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between two looks at L1.")] = 1.0,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many events; 0 for never.")] = 0,
    everything: Annotated[
        bool, typer.Option("--all", help="Also tell how bonds move because of what is told anyway.")
    ] = False,
    json: Json = False,
) -> None:
    """Follow L1: a sentence per event, until Ctrl-C. With --json, one JSON object per line, of every event."""
    from pol_oracle.l1.monitor import Monitor
    from pol_oracle.view import History

    from ..pictures.events import FOLLOWING, sentence

    settings: Settings = ctx.obj
    found = session.deployment(settings)
    genesis_id = bytes.fromhex(found.genesis_id.removeprefix("0x"))
    told, names = History(genesis_id), session.names(settings, found)
    monitor = Monitor(session.client(settings, found), found.deployed_at, found.confirmations)
    if not past:
        first = monitor.poll()
        told.update(None, first.events, first.l1_block, first.timestamp)
    printed = 0
    for update in _updates(monitor, interval):
        if update.rollback_to is not None:
            output.remark(f"L1 was reorganised above block {update.rollback_to}")
        view = told.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
        told.forget(update.firm)
        for event in update.events:
            if not (json or everything) and isinstance(event, FOLLOWING):
                continue
            line = f"{output.clock(event.at.timestamp)}  {sentence(event, view, names)}"
            output.emit_line(values.event(event), json, line)
            printed += 1
            if count and printed >= count:
                return


def _updates(monitor: Monitor, interval_s: float) -> Iterator[Update]:
    """What is new, again and again. An L1 that is away is waited for, and that is said once."""
    away = False
    while True:
        try:
            update = monitor.poll()
        except Unreachable as error:
            if not away:
                output.remark(f"{error}; it is waited for")
            away = True
        else:
            if away:
                output.remark("L1 answers again")
            away = False
            yield update
        time.sleep(interval_s)


def findings(verdict: Verdict) -> dict[str, Any]:
    """Returns what a replay found, for JSON; what has to be demanded before it can be proven has no kind yet."""
    from pol_oracle.agents.rules.verdicts import Invalid, Valid, accusation

    wrong = accusation(verdict)
    return {
        "valid": isinstance(verdict, Valid),
        "dead_end": isinstance(verdict, Valid) and verdict.dead_end,
        "kind": verdict.kind.name.lower() if isinstance(verdict, Invalid) else None,
        "reason": "" if wrong is None else wrong.reason,
    }


def judgement(data: dict[str, Any]) -> str:
    """Returns the same in words."""
    if data["dead_end"]:
        return "valid, but the segment after it or its evaluation is not finite: no block can be built on it"
    if data["valid"]:
        told = f"; but there is {data['reason']}" if data["reason"] else ""
        return f"valid: the replay gives the same bits{told}"
    return f"INVALID ({data['kind']}): {data['reason']}" if data["kind"] else f"INVALID: {data['reason']}"


def find(view: View, text: str) -> BlockView:
    """Returns the block that the user meant.

    Raises:
        InputError: there is none, or there are several.
    """
    if text in NAMED:
        return view.blocks[view.head if text == "head" else view.finalized_tip]
    prefix = text.lower().rstrip("…").removeprefix("0x")
    top = view.blocks[view.head].height
    if text.isdecimal() and int(text) <= top:
        found = [block for block in _main_branch(view) if block.height == int(text)]
    elif len(prefix) < SHORTEST_PREFIX:  # a height that is not there yet
        found = []
    else:
        found = [block for block in view.blocks.values() if block.id.hex().startswith(prefix)]
    if len(found) == 1:
        return found[0]
    if not found and text.isdecimal():
        raise InputError(f"there is no block at height {int(text)} yet: the head is at height {top}")
    count = f"{len(found)} blocks" if found else "no block"
    raise InputError(f"{count} found for {text!r}: see {pol('blocks list --limit 0')}")


def _main_branch(view: View) -> list[BlockView]:
    """The head and its ancestors down to genesis."""
    branch = [view.blocks[view.head]]
    while branch[-1].header:
        branch.append(view.blocks[branch[-1].parent])
    return branch
