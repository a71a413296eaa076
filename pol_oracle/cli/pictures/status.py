"""Where the network stands, who has what at stake, and what was won and lost for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pol_oracle.advice import pol
from pol_oracle.protocol.difficulty import to_bits
from pol_oracle.report.ledger import Unit

from .. import output
from ..names import Names
from . import parts

if TYPE_CHECKING:
    from pol_oracle.l1.contracts.deployment import Deployment
    from pol_oracle.report.ledger import Entry
    from pol_oracle.view import View
    from pol_oracle.view.blocks import BlockView

BAR = 10  # characters of a bond's bar


def show(view: View, found: Deployment, moves: Sequence[Entry], names: Names) -> None:
    """Prints the status of a network.

    Args:
        view: all that is confirmed on L1.
        found: the deployment.
        moves: the latest rewards and losses, oldest first.
        names: who is behind addresses.
    """
    head, final = view.blocks[view.head], view.blocks[view.finalized_tip]
    facts = {
        "network": f"{found.spec.get('name', '?')} on chain {found.chain_id}, "
        f"L1 block {view.l1_block:,} ({output.when(view.now, view.now).partition(' (')[0]})",
        "head": _described(head, view, found, names),
        "final": _described(final, view, found, names),
        "pending": _pending(view, found),
        "difficulty": f"{output.bits(to_bits(view.child_difficulty(view.head, found.parameters)))} on the head, "
        f"{head.total_work:,} tries behind it",
    }
    grid = parts.table(["", " "], wrapped=[" "])
    grid.show_header = False
    for name, value in facts.items():
        grid.add_row(name, value)
    output.console().print(grid)
    _bonds(view, names)
    _credits(view, names)
    _moves(moves, view, names)


def _described(block: BlockView, view: View, found: Deployment, names: Names) -> str:
    if block.header is None:
        return f"genesis, {output.since(block.proposed_at, view.now)}"
    share = output.share(block.correct_after, found.task.test_count)
    miner = names.label(block.miner)
    return f"{parts.named(block)} by {miner}, {output.since(block.proposed_at, view.now)}: {share} correct on E"


def _pending(view: View, found: Deployment) -> str:
    """What pending blocks wait for."""
    told = []
    for block in view.pending:
        left = block.proposed_at + found.parameters.challenge_window - view.now
        count = f"{len(block.attestations)} of {found.parameters.quorum} attestations"
        window = f"window ends in {output.span(left)}" if left > 0 else "window over"
        told.append(f"{parts.named(block)}: {count}, {window}")
    return "\n".join(told) or "none"


def _bonds(view: View, names: Names) -> None:
    parts.heading("Bonds (ETH)")
    table = parts.table(["account", "role", "free", "locked", "share locked"], right=["free", "locked"])
    for (account, role), bond in sorted(view.bonds.items(), key=lambda item: (item[0][1], item[0][0])):
        if not bond.total:
            continue
        filled = round(BAR * bond.locked / bond.total)
        bar = f"{'█' * filled}{'░' * (BAR - filled)} {100 * bond.locked / bond.total:3.0f} %"
        cells = [output.amount(bond.free), output.amount(bond.locked), bar]
        table.add_row(parts.account(account, names), role.name.lower(), *cells)
    output.console().print(table)


def _credits(view: View, names: Names) -> None:
    owed = {account: credit for account, credit in sorted(view.credits.items()) if credit}
    if not owed:
        return
    parts.heading(f"Credit (ETH), for {pol('bond withdraw')} to collect")
    table = parts.table(["account", "credit"], right=["credit"])
    for account, credit in owed.items():
        table.add_row(parts.account(account, names), output.amount(credit))
    output.console().print(table)


def _moves(moves: Sequence[Entry], view: View, names: Names) -> None:
    parts.heading("Rewards and losses, latest last")
    table = parts.table(["L1 block", "account", "amount", "for"], right=["L1 block", "amount"], wrapped=["for"])
    for entry in moves:
        loss, learn = entry.amount < 0, entry.unit is Unit.LEARN
        style = "red" if loss else "green" if learn else "cyan"
        amount = f"[{style}]{'' if loss else '+'}{output.amount(entry.amount)} {entry.unit.value}[/{style}]"
        table.add_row(str(entry.l1_block), names.label(entry.party), amount, entry.reason)
    output.console().print(table)
