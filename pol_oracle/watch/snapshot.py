"""What the table shows at one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pol_oracle.protocol.lifecycle import Status
from pol_oracle.report.ledger import kind_name
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView

SHOWN_BLOCKS = 6


@dataclass(frozen=True)
class PartyRow:
    """One party, as shown.

    Attributes:
        name: of the agent, or its address cut short.
        part: what it does.
        style: of the name, as rich knows it.
        bond, learn: amounts in ETH and LEARN.
        story: what became of its blocks and attestations.
        now: what it does or waits for; "" if nobody knows.
        alarm: a person has to do something.
    """

    name: str
    part: str
    style: str
    bond: str
    learn: str
    story: str
    now: str = ""
    alarm: bool = False


@dataclass(frozen=True)
class BlockRow:
    """One block, as shown; ``waits`` is what keeps it from being final."""

    height: int
    block: str
    miner: str
    accuracy: str
    attesters: str
    status: str
    head: bool
    waits: str = ""


@dataclass(frozen=True)
class Snapshot:
    """Everything the display shows at one moment.

    Attributes:
        title: how far the network is.
        parties: who takes part.
        blocks: the newest, newest first.
        alarms: what keeps all of it from going on.
    """

    title: str
    parties: tuple[PartyRow, ...]
    blocks: tuple[BlockRow, ...]
    alarms: tuple[str, ...] = ()


def newest_blocks(
    view: View,
    names: Mapping[str, str],
    test_count: int,
    waits: Callable[[BlockView], str] = lambda block: "",
) -> tuple[BlockRow, ...]:
    """Returns the rows of the newest blocks.

    Args:
        view: the confirmed events.
        names: address -> name.
        test_count: |E|.
        waits: says what keeps a pending block from being final.
    """
    newest = [b for b in view.blocks.values() if b.header][-SHOWN_BLOCKS:]
    return tuple(
        BlockRow(
            height=b.height,
            block=b.id.hex()[:8],
            miner=names.get(b.miner, b.miner),
            accuracy=f"{100 * b.correct_after / test_count:.1f} %",
            attesters=", ".join(names.get(a, a) for a in b.attestations),
            status=b.status.name.lower() + (f" for {kind_name(b.slashed_for)}" if b.slashed_for is not None else ""),
            head=b.id == view.head,
            waits=waits(b) if b.status is Status.PENDING else "",
        )
        for b in reversed(newest)
    )
