"""``pol blocks``: look at blocks, replay one, follow them as they come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pol_oracle.agents.rules.verdicts import Invalid, Valid, Verdict, accusation
from pol_oracle.protocol.difficulty import to_bits
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.positions import Position

from .. import output, session
from ..options import Json, States, Threads
from ..settings import Settings

if TYPE_CHECKING:
    from pol_oracle.l1.events.typed import Event
    from pol_oracle.view import View
    from pol_oracle.view.blocks import BlockView, DemandView

app = typer.Typer(no_args_is_help=True, help="Blocks: list, show, verify (replay) and watch them.")
BlockArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Block id in hex, or its first digits; `head`, `final`, or a height.")
]
SHORTEST_PREFIX = 4
TIMES = frozenset({"proposed_at", "closed_at", "until", "deadline"})
ETH_AMOUNTS = frozenset({"amount", "loss", "burned", "fee"})
LEARN_AMOUNTS = frozenset({"reward"})


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
    blocks = [_summary(block, view) for block in view.blocks.values() if block.header]
    rows = blocks[-limit:] if limit else blocks
    columns = ["height", "status", "id", "parent", "miner", "difficulty", "correct", "attestations", "time"]
    output.emit(rows, json, lambda: output.table(columns, [_row(row) for row in rows]))


@app.command()
def show(ctx: typer.Context, block: BlockArgument, json: Json = False) -> None:
    """Show everything L1 knows about a block."""
    settings: Settings = ctx.obj
    found = session.deployment(settings)
    view = session.history(session.client(settings, found), found).view
    values = _details(find(view, block), view)
    output.emit(values, json, lambda: output.facts({k: _plain(k, v) for k, v in values.items()}))


@app.command()
def verify(
    ctx: typer.Context,
    block: BlockArgument,
    store: States = None,
    threads: Threads = 1,
    json: Json = False,
) -> None:
    """Follow the chain up to a block and replay it on this machine, bit for bit; exits 1 if the block is wrong."""
    from pol_oracle.agents.work.replay import Replayer

    settings: Settings = ctx.obj
    found = session.deployment(settings)
    view = session.history(session.client(settings, found), found).view
    wanted = find(view, block)
    if wanted.header is None:
        raise InputError("genesis holds no step to replay: name a later block")
    with session.following(settings, found, view, store, threads) as follower:
        verdict = Replayer(follower)(wanted, view.lineage(wanted.parent), wanted.shown, lambda: False)
    values = {"id": output.hex0x(wanted.id), **findings(verdict)}
    output.emit(values, json, lambda: typer.echo(f"block {values['id']} is {judgement(values)}"))
    if not isinstance(verdict, Valid):
        raise typer.Exit(1)


@app.command()
def watch(
    ctx: typer.Context,
    past: Annotated[bool, typer.Option(help="Begin with all past events instead of the next one.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks at L1.")] = 1.0,
    count: Annotated[int, typer.Option(min=0, help="Stop after this many events; 0 for never.")] = 0,
    json: Json = False,
) -> None:
    """Follow L1: one line per event, until Ctrl-C. With --json, one JSON object per line."""
    from pol_oracle.l1.monitor import Monitor

    settings: Settings = ctx.obj
    found = session.deployment(settings)
    monitor = Monitor(session.client(settings, found), found.deployed_at, found.confirmations)
    if not past:
        monitor.poll()
    printed = 0
    while True:
        update = monitor.poll()
        if update.rollback_to is not None:
            typer.echo(f"L1 was reorganised above block {update.rollback_to}", err=True)
        for event in update.events:
            output.emit_line(_event(event), json, _sentence(event))
            printed += 1
            if count and printed >= count:
                return
        time.sleep(interval)


def findings(verdict: Verdict) -> dict[str, Any]:
    """Returns what a replay found, for JSON; what has to be demanded before it can be proven has no kind yet."""
    wrong = accusation(verdict)
    return {
        "valid": isinstance(verdict, Valid),
        "dead_end": isinstance(verdict, Valid) and verdict.dead_end,
        "kind": verdict.kind.name.lower() if isinstance(verdict, Invalid) else None,
        "reason": "" if wrong is None else wrong.reason,
    }


def judgement(values: dict[str, Any]) -> str:
    """Returns the same in words."""
    if values["dead_end"]:
        return "valid, but the segment after it or its evaluation is not finite: no block can be built on it"
    if values["valid"]:
        told = f"; but there is {values['reason']}" if values["reason"] else ""
        return f"valid: the replay gives the same bits{told}"
    return f"INVALID ({values['kind']}): {values['reason']}" if values["kind"] else f"INVALID: {values['reason']}"


def find(view: View, text: str) -> BlockView:
    """Returns the block that the user meant.

    Raises:
        InputError: there is none, or there are several.
    """
    named = {"head": view.head, "final": view.finalized_tip}
    if text in named:
        return view.blocks[named[text]]
    prefix = text.lower().removeprefix("0x")
    top = view.blocks[view.head].height
    if text.isdecimal() and int(text) <= top:
        found = [block for block in _main_branch(view) if block.height == int(text)]
    elif len(prefix) >= SHORTEST_PREFIX:
        found = [block for block in view.blocks.values() if block.id.hex().startswith(prefix)]
    elif text.isdecimal():
        found = []
    else:
        raise InputError(f"{text!r} names no block: give at least {SHORTEST_PREFIX} digits of its id, or a height")
    if len(found) == 1:
        return found[0]
    if not found and text.isdecimal():
        raise InputError(f"there is no block at height {int(text)} yet: the head is at height {top}")
    count = f"{len(found)} blocks" if found else "no block"
    raise InputError(f"{count} found for {text!r}: see `pol blocks list --limit 0`")


def _main_branch(view: View) -> list[BlockView]:
    """The head and its ancestors down to genesis."""
    branch = [view.blocks[view.head]]
    while branch[-1].header:
        branch.append(view.blocks[branch[-1].parent])
    return branch


def _summary(block: BlockView, view: View) -> dict[str, Any]:
    return {
        "height": block.height,
        "status": block.status.name.lower(),
        "id": output.hex0x(block.id),
        "parent": output.hex0x(block.parent),
        "miner": block.miner,
        "difficulty_bits": to_bits(block.difficulty),
        "correct_after": block.correct_after,
        "attestations": len(block.attestations),
        "proposed_at": block.proposed_at,
        "head": block.id == view.head,
    }


def _row(row: dict[str, Any]) -> list[object]:
    head = " (head)" if row["head"] else ""
    age = _clock(row["proposed_at"])
    short = row["id"][:12], row["parent"][:12]
    claims = output.bits(row["difficulty_bits"]), row["correct_after"]
    return [row["height"], row["status"] + head, *short, row["miner"], *claims, row["attestations"], age]


def _details(block: BlockView, view: View) -> dict[str, Any]:
    header: dict[str, Any] = {}
    if block.header is not None:
        header = {k: output.hex0x(v) if isinstance(v, bytes) else v for k, v in vars(block.header).items()}
        header["indices"] = list(block.header.indices)
    return {
        **_summary(block, view),
        "total_work": block.total_work,
        "closed_at": block.closed_at,
        "slashed_for": block.slashed_for.name.lower() if block.slashed_for is not None else None,
        "attesters": list(block.attestations),
        "demands": [_demand(demand) for demand in block.demands.values()],
        "header": header,
    }


def _demand(demand: DemandView) -> dict[str, Any]:
    state = "settled" if demand.settled else "open" if demand.open else "expired" if demand.expired else "answered"
    return {
        "state": state,
        "position": str(demand.position),
        "demander": demand.demander,
        "deadline": demand.deadline,
        "responder": demand.responder,
    }


def _clock(seconds: int) -> str:
    """L1 time as UTC."""
    return time.strftime("%H:%M:%S", time.gmtime(seconds))


def _plain(name: str, value: Any) -> object:
    if isinstance(value, dict):
        return "".join(f"\n    {key:<15} {inner}" for key, inner in value.items()) or "-"
    if isinstance(value, list):
        lines = [f"\n    {item['state']:<9} {item['position']}" for item in value if isinstance(item, dict)]
        return "".join(lines) or ", ".join(map(str, value)) or "-"
    if value is None:
        return "-"
    if name == "difficulty_bits":
        return output.bits(value)
    return _clock(value) if name in TIMES else value


def _event(event: Event) -> dict[str, Any]:
    values = {name: _jsonable(value) for name, value in vars(event).items() if name not in ("at", "header")}
    where = {"l1_block": event.at.l1_block, "timestamp": event.at.timestamp, "tx": output.hex0x(event.at.tx_hash)}
    return {"event": type(event).__name__, **where, **values}


def _jsonable(value: Any) -> Any:
    if isinstance(value, bytes):
        return output.hex0x(value)
    if isinstance(value, Position):
        return str(value)
    name = getattr(value, "name", None)
    return name.lower() if isinstance(name, str) else value


def _sentence(event: Event) -> str:
    values = _event(event)
    stamp = _clock(event.at.timestamp)
    skip = ("event", "l1_block", "timestamp", "tx")
    shown = " ".join(f"{name}={_short(name, value)}" for name, value in values.items() if name not in skip)
    return f"{stamp} L1 {event.at.l1_block:>5}  {values['event']:<18} {shown}"


def _short(name: str, value: Any) -> str:
    if name in TIMES:
        return _clock(value)
    if name == "difficulty":
        return output.bits(to_bits(value))
    if name in ETH_AMOUNTS | LEARN_AMOUNTS:
        return f"{output.amount(value)} {'ETH' if name in ETH_AMOUNTS else 'LEARN'}"
    return f"{value[:10]}…" if isinstance(value, str) and value.startswith("0x") and len(value) >= 66 else str(value)
