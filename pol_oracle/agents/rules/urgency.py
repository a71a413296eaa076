"""Which blocks are replayed, and which first, by what hangs on them. Pure.

    CLOSING  on the head's branch, and could be finalized before long as it is; or is wrong, and a clock runs for what
             was shown of it: with a future or without, since it would get away, and be paid for what it showed
    HEAD     carries the head: what is finalized next comes from its branch, the lowest block first
    LIVE     has a future, but is not on the head's branch; first what could be final once it is, and soon cannot be
             demanded of any more, then the heaviest branch
    OWED     slashed, but its bounty may be the agent's; or right, but somebody explains something of it
    DEAD     has lost its race

A replay that fails costs a block one rank each time, so that no miner can keep an agent busy with nothing. A replay
under way gives way to one that is far more urgent; what it has computed stays kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.types import Address, BlockId
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView

from .verdicts import Invalid, Unavailable, Verdict, accusation

_EVER = 1 << 256  # more than all work there is
_FAR = 2  # ranks between a replay under way and one that it gives way to


class Rank(IntEnum):
    """What hangs on a block; lower goes first."""

    CLOSING = 0
    HEAD = 1
    LIVE = 2
    OWED = 3
    DEAD = 4


@dataclass(frozen=True, order=True)
class Urgency:
    """Lower goes first.

    Attributes:
        rank: what hangs on the block, and one more for each replay that failed.
        failures: replays that failed.
        place: among those of its rank.
        sequence: of its proposal.
    """

    rank: int
    failures: int
    place: int
    sequence: int

    def far_above(self, other: Urgency) -> bool:
        """Says whether another replay should give way to this one."""
        return other.rank - self.rank >= _FAR or self.rank <= Rank.LIVE < other.rank


def claimable(view: View, block: BlockView, me: Address) -> bool:
    """Says whether an own proof may still count against a slashed block.

    A commitment of one's own may come before that of its bounty.
    """
    if block.status is not Status.SLASHED or block.forfeited or block.bounty is None:
        return False
    order = block.bounty[1]
    return any(who == me and made.order < order for (who, _), made in view.commitments.items())


def answered(block: BlockView, verdict: Verdict) -> bool:
    """Says whether a replay with what L1 shows now could tell more than a verdict does.

    What it lacks was shown, or the explanation that it is about does not stand any more, or there is one where it saw
    nothing to be wrong.
    """
    wrong = accusation(verdict)
    if isinstance(wrong, Unavailable):
        return wrong.lacks.position in block.shown or not block.stands(wrong.lacks.position)
    if isinstance(wrong, Invalid):
        return wrong.proof.refutes is not None and not block.stands(wrong.proof.refutes)
    return any(position.explains for position in block.shown)


def urgencies(
    view: View,
    blocks: Iterable[BlockView],
    walks: Collection[BlockId],
    right: Collection[BlockId],
    failures: Mapping[bytes, int],
    parameters: Parameters,
) -> dict[BlockId, Urgency]:
    """Returns how urgent some replays are, by block id, the most urgent first.

    Args:
        view: the confirmed events.
        blocks: that are to be replayed.
        walks: ids of those that were found wrong, and of which something was shown since.
        right: ids of those that were found right.
        failures: how often the replay of a block failed.
        parameters: of the deployment.
    """
    on_head, works = {block.id for block in view.branch(view.head)}, branch_works(view)
    found: dict[BlockId, Urgency] = {}
    for block in blocks:
        rank, place = _rank(view, block, walks, right, on_head, parameters)
        if rank is None:
            rank, place = Rank.LIVE, -works[block.id]
        failed = failures.get(block.id, 0)
        found[block.id] = Urgency(rank + failed, failed, place, block.sequence)
    return dict(sorted(found.items(), key=lambda item: item[1]))


def branch_works(view: View) -> dict[bytes, int]:
    """Returns for each live block the total work of the heaviest block that stands on it, or its own."""
    works = {block.id: block.total_work for block in view.live.values()}
    for block in reversed(view.live.values()):  # a child always comes before its parent
        if block.parent in works:
            works[block.parent] = max(works[block.parent], works[block.id])
    return works


def _rank(
    view: View,
    block: BlockView,
    walks: Collection[BlockId],
    right: Collection[BlockId],
    on_head: Collection[bytes],
    parameters: Parameters,
) -> tuple[Rank | None, int]:
    """The rank and place of a block on which more or less than its branch's work hangs."""
    if block.status is not Status.PENDING or block.id in right:
        return Rank.OWED, 0
    if block.id in walks:
        return Rank.CLOSING, block.answered_at + parameters.answer_window
    if block.id not in view.live:
        return Rank.DEAD, 0
    closes = block.proposed_at + parameters.challenge_window
    closing = len(block.attestations) >= parameters.quorum and closes - view.now <= parameters.challenge_window / 2
    if block.id in on_head:
        return (Rank.CLOSING, closes) if closing else (Rank.HEAD, block.height)
    # a quorum is bought for a while's bonds: beside the head it moves a block to the front of its rank alone
    return (Rank.LIVE, closes - _EVER) if closing and view.now < closes else (None, 0)
