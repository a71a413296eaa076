"""A list of blocks, and all about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from pol_oracle.advice import pol
from pol_oracle.protocol.difficulty import to_bits

from .. import output
from ..names import Names
from ..output import PIPE_WIDTH
from . import parts
from .events import sentence

if TYPE_CHECKING:
    from pol_oracle.l1.contracts.deployment import Deployment
    from pol_oracle.l1.events.typed import Event
    from pol_oracle.view import View
    from pol_oracle.view.blocks import BlockView

SPARE = ("parent", "bits", "attested", "correct on E", "proposed")  # columns that narrow terminals do without, in turn


def show_list(blocks: Sequence[BlockView], view: View, found: Deployment, names: Names) -> None:
    """Prints a table of blocks, with as many columns as there is room for."""
    rows = [_row(block, view, found, names) for block in blocks]
    if not rows:
        typer.echo(f"no block yet: start a miner with {pol('miner run')}; it needs a bond ({pol('bond deposit')})")
        return
    console, columns = output.console(), list(rows[0])
    for spare in ("", *SPARE):
        columns = [name for name in columns if name != spare]
        table = parts.table(columns, right=["height", "bits", "correct on E"])
        for row in rows:
            table.add_row(*(row[name] for name in columns))
        if console.measure(table, options=console.options.update(width=PIPE_WIDTH)).maximum <= console.width:
            break
    console.print(table)


def _row(block: BlockView, view: View, found: Deployment, names: Names) -> dict[str, Any]:
    return {
        "height": str(block.height),
        "block": output.short(block.id),
        "parent": output.short(block.parent),
        "miner": names.label(block.miner),
        "correct on E": parts.accuracy(block.correct_after, found.task.test_count),
        "bits": f"{round(to_bits(block.difficulty), 2):g}",
        "attested": f"{len(block.attestations)} of {found.parameters.quorum}",
        "status": parts.status(block, view),
        "proposed": output.since(block.proposed_at, view.now),
    }


def show_one(block: BlockView, life: Sequence[Event], values: dict[str, Any], view: View, names: Names) -> None:
    """Prints everything about a block.

    Args:
        block: the block.
        life: the events that name it, in L1 order.
        values: what is printed as JSON.
        view: the chain.
        names: who is behind addresses.
    """
    output.console().print(parts.named(block).capitalize(), parts.status(block, view), style="bold")
    grid = parts.table(["", " "], wrapped=[" "])
    grid.show_header = False
    for name, value in _facts(block, values, view, names).items():
        grid.add_row(name, value)
    if values["page"]:
        grid.add_row("page", Text(values["page"], overflow="fold"))
    for name, value in (values["header"] or {}).items():
        if name not in ("parent", "miner"):
            grid.add_row(name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
    output.console().print(grid)
    _requirements(values["requirements"])
    _demands(values["demands"], view, names)
    parts.heading("Life")
    for event in life:
        output.console().print(f"  {output.clock(event.at.timestamp)}  {sentence(event, view, names)}", markup=False)


def _facts(block: BlockView, values: dict[str, Any], view: View, names: Names) -> dict[str, str]:
    facts = {"id": values["id"], "parent": values["parent"]}
    facts |= {"children": "\n".join(values["children"])} if values["children"] else {}
    facts["proposed"] = output.when(block.proposed_at, view.now)
    if block.header is None:
        return facts
    facts["miner"] = names.full(block.miner)
    facts["difficulty"] = f"{output.bits(values['difficulty_bits'])}, {block.total_work:,} tries up to here"
    facts["attested by"] = ", ".join(map(names.label, values["attesters"])) or "nobody"
    facts["attested by"] += f" ({len(values['attesters'])} of {values['quorum']})"
    if block.closed_at is not None:
        facts[values["status"]] = output.when(block.closed_at, view.now)
    else:
        facts["window ends"] = output.when(values["window_ends_at"], view.now)
    if values["slashed_for"]:
        facts["slashed for"] = values["slashed_for"]
    return facts


def _requirements(required: Sequence[dict[str, Any]]) -> None:
    if not required:
        return
    parts.heading("Requirements")
    for number, each in enumerate(required):
        count, parity = int(each["mask"], 16).bit_count(), "odd" if each["odd"] else "even"
        what = f"of {count} weights of leaf {each['leaf']:,} ({each['mask']}), an {parity} number must rise"
        if count == 1:
            what = f"weight {each['leaf']:,} must {'rise' if each['odd'] else 'fall'}"
        output.console().print(f"  {number:>3}  {what}")


def _demands(demands: Sequence[dict[str, Any]], view: View, names: Names) -> None:
    if not demands:
        return
    parts.heading("Demands")
    table = parts.table(["state", "what", "by", "deadline"], wrapped=["what"])
    for each in demands:
        ends = output.since(each["deadline"], view.now)
        table.add_row(each["state"], each["position"], names.label(each["demander"]), ends)
    output.console().print(table)
