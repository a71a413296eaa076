"""Calls that anybody may make and somebody must: when each is due, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.parameters import Parameters

from .actions import Action, ClaimHead, Expire, Finalize, ForfeitBond, Orphan, SettleAttestation, SettleDemand
from .blocks import BlockView, DemandView
from .view import View

_MOST_WAITED_FOR = 5


def housekeeping(view: View, me: str, parameters: Parameters, stagger: int) -> Iterator[Action]:
    """Yields the housekeeping calls that are due and whose turn it is to make them for ``me``.

    Args:
        view: the confirmed events.
        me: the agent's address.
        parameters: of the deployment.
        stagger: seconds of L1 time between one agent's turn and the next one's.
    """
    keeper = _Keeper(view, me, parameters, stagger)
    yield from keeper.expiries()
    yield from keeper.bounties()
    yield from keeper.head()
    yield from keeper.finalization()
    yield from keeper.orphans()
    yield from keeper.settlements()


class _Keeper:
    def __init__(self, view: View, me: str, parameters: Parameters, stagger: int) -> None:
        self._view = view
        self._me = me
        self._parameters = parameters
        self._stagger = stagger

    def expiries(self) -> Iterator[Action]:
        """Blocks with a demand that was not answered in time; one is enough. Whoever made it goes first."""
        for block in self._view.pending:
            late = self._late(block)
            own = [demand for demand in late if demand.demander == self._me]
            demand = min(own or late, key=lambda d: d.order, default=None)
            if demand is not None and self._my_turn(demand.id, [demand.demander], demand.deadline):
                yield Expire(block.id, demand.demander, demand.position)

    def bounties(self) -> Iterator[Action]:
        """Own demands that L1 took before what slashed a block: the bounty moves to them."""
        for block in self._view.unsettled:
            if block.bounty is None or block.closed_at is None:
                continue
            if self._view.now >= block.closed_at + self._parameters.reveal_window:
                continue
            own = [d for d in self._late(block) if d.demander == self._me and d.order < block.bounty[1]]
            if own:
                first = min(own, key=lambda d: d.order)
                yield Expire(block.id, first.demander, first.position)

    def _late(self, block: BlockView) -> list[DemandView]:
        return [demand for demand in block.open_demands if self._view.now >= demand.deadline]

    def head(self) -> Iterator[Action]:
        """A live block better than the head, which happens only after the head's branch was slashed."""
        view = self._view
        best = view.blocks[view.best(view.live)]
        if best.id != view.head and self._my_turn(best.id, [best.miner], max(view.head_since, best.proposed_at)):
            yield ClaimHead(best.id, view.head)

    def finalization(self) -> Iterator[Action]:
        """The block on top of the finalized tip, on the head's branch."""
        branch = list(self._view.branch(self._view.head))
        if not branch or branch[-1].parent != self._view.finalized_tip or branch[-1].open_demands:
            return
        block = branch[-1]
        since = self._finalizable_since(block)
        if since is not None and self._my_turn(block.id, [block.miner], since):
            yield Finalize(block.id)

    def orphans(self) -> Iterator[Action]:
        """Pending blocks that can never be finalized, one generation after the other."""
        view = self._view
        for block in view.pending:
            if block.id in view.live or block.open_demands:
                continue
            since = self._dead_since(block)
            if since is not None and self._my_turn(block.id, [block.miner, *block.attestations], since):
                yield Orphan(block.id)

    def settlements(self) -> Iterator[Action]:
        """Attestations, demands and bonds of blocks in a final state."""
        for block in self._view.unsettled:
            yield from self._fees(block)
            if block.status is Status.SLASHED:
                yield from self._spoils(block)
            mine = block.attestations.get(self._me)
            if mine and not mine.settled and not _punished(block) and self._judged(block):
                yield SettleAttestation(block.id, self._me)

    def _judged(self, block: BlockView) -> bool:
        """Says whether nothing more can be shown about a block in a final state."""
        slashed = block.status is Status.SLASHED
        return not slashed or self._view.now >= (block.closed_at or 0) + self._parameters.reveal_window

    def _spoils(self, block: BlockView) -> Iterator[Action]:
        """What a slashed block's miner and attesters forfeit; its winner collects, others only if it does not."""
        if block.bounty is None or block.closed_at is None:
            return
        since = block.closed_at + self._parameters.reveal_window
        winners = [block.bounty[0], *([block.prover] if block.prover not in (None, block.bounty[0]) else [])]
        if not self._my_turn(block.id, winners, since):
            return
        if not block.forfeited:
            yield ForfeitBond(block.id)
        for verifier, attestation in block.attestations.items():
            if not attestation.settled and _punished(block):
                yield SettleAttestation(block.id, verifier)

    def _fees(self, block: BlockView) -> Iterator[Action]:
        """The fees of demands; whoever gets one goes first. An open one may still take the bounty for a while."""
        closed_at = block.closed_at or 0
        for demand in block.demands.values():
            since = closed_at + self._parameters.reveal_window if demand.open else closed_at
            turn = self._view.now >= since and self._my_turn(demand.id, [_beneficiary(block, demand)], since)
            if turn and not demand.settled:
                yield SettleDemand(demand.id)

    def _finalizable_since(self, block: BlockView) -> int | None:
        """L1 time from which a block could be finalized, None if it cannot yet."""
        quorum = self._parameters.quorum
        times = sorted(a.since for a in block.attestations.values())
        if len(times) < quorum:
            return None
        parent = self._view.blocks[block.parent]
        return max(
            self._judged_at(block),
            parent.closed_at or 0,
            times[quorum - 1] if quorum else 0,
        )

    def _dead_since(self, block: BlockView) -> int | None:
        """L1 time from which a block could be orphaned, None if its parent must be first."""
        parent, final = self._view.blocks[block.parent], self._view.finalized
        if parent.status in (Status.SLASHED, Status.ORPHANED):
            end = parent.closed_at
        elif parent.status is Status.FINALIZED and block.height < len(final):
            end = self._view.blocks[final[block.height]].closed_at
        else:
            return None
        return max(self._judged_at(block), end or 0)

    def _judged_at(self, block: BlockView) -> int:
        """L1 time at which the window is over and the last answer was there long enough to be used."""
        held = block.answered_at + self._parameters.answer_window if block.answered_at else 0
        return max(block.proposed_at + self._parameters.challenge_window, held)

    def _my_turn(self, what: bytes, first: Sequence[str], since: int) -> bool:
        """Says whether a call that was due from ``since`` on is this agent's to make by now. Nobody waits for
        more than a few others: accounts that do nothing are cheap."""
        waited = self._view.now - since
        if self._me in first:
            return waited >= min(first.index(self._me), _MOST_WAITED_FOR) * self._stagger
        if waited >= _MOST_WAITED_FOR * self._stagger:  # drawing an order of all would not change that
            return True
        if waited < len(first) * self._stagger:
            return False
        others = [v for v in self._view.verifiers(self._parameters.attest_bond) if v not in first]
        others.sort(key=lambda v: keccak(what + bytes.fromhex(v[2:])))
        rank = others.index(self._me) if self._me in others else len(others)
        return waited >= (len(first) + rank) * self._stagger


def _punished(block: BlockView) -> bool:
    """Says whether a block's attesters lose their bonds: they could see what was wrong, or show what was demanded. How
    its miner evaluated a sample they could neither see nor show."""
    return block.status is Status.SLASHED and not block.spares_attesters


def _beneficiary(block: BlockView, demand: DemandView) -> str:
    """Who gets a demand's fee: whoever answered; of a slashed block, whoever paid it."""
    if block.status is Status.SLASHED or demand.responder is None:
        return demand.demander
    return demand.responder
