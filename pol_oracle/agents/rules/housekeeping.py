"""Calls that anybody may make and somebody must: when each is due, and whose turn it is. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence

from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.protocol.types import Address, BlockId, Seconds
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView, DemandView

from .actions import (
    ENTRIES,
    Action,
    CatchUp,
    ClaimHead,
    Contest,
    Dismiss,
    Expire,
    Finalize,
    ForfeitBond,
    Orphan,
    Release,
    SettleAttestation,
    SettleDemand,
)
from .forks import contender, fallen_rival, witness
from .policy import Policy

_MOST_WAITED_FOR = 5
_FEW_RIVALS = 8


def housekeeping(
    view: View, me: Address, right: Collection[BlockId], parameters: Parameters, policy: Policy
) -> Iterator[Action]:
    """Yields the housekeeping calls that are due and whose turn it is to make them for ``me``.

    What pays the agent comes before what pays only others, of which few are made at a time, and of one block: else
    whoever makes much to settle would have honest agents pay for it, and wait.

    Args:
        view: the confirmed events.
        me: the agent's address.
        right: ids of blocks that it found right itself.
        parameters: of the deployment.
        policy: of the agent.
    """
    keeper = _Keeper(view, me, parameters, policy)
    yield from keeper.expiries()
    yield from keeper.refunds()
    yield from keeper.bounties()
    yield from keeper.head()
    yield from keeper.contest(right)
    yield from keeper.dismissal()
    yield from keeper.catching_up()
    yield from keeper.finalization(right)
    for own in (True, False):
        others = itertools.chain(keeper.orphans(own=own), keeper.settlements(own=own))
        yield from others if own else itertools.islice(others, policy.strangers)


def judged_at(block: BlockView, parameters: Parameters) -> int:
    """L1 time at which a block's window is over and the last answer was there long enough to be used."""
    held = block.answered_at + parameters.answer_window if block.answered_at else 0
    return max(block.proposed_at + parameters.challenge_window, held)


class _Keeper:
    def __init__(self, view: View, me: Address, parameters: Parameters, policy: Policy) -> None:
        self._view = view
        self._me = me
        self._parameters = parameters
        self._stagger = policy.turn(parameters)
        self._settled = policy.settled

    def expiries(self) -> Iterator[Action]:
        """Demands that have run out, each to be ended by whoever it matters to.

        They are about pending blocks and were not answered in time, or are about an explanation that does not stand any
        more. One is enough to slash a block. Whoever made it goes first.
        """
        for block in self._view.pending:
            late = [d for d in block.open_demands if self._over_since(block, d) is not None]
            slashing = [d for d in late if d.position.explanation == ZERO]
            own = [d for d in slashing if d.demander == self._me]
            first = min(own or slashing, key=lambda d: d.order, default=None)
            for demand in [first] if first is not None else late:
                since = self._over_since(block, demand)
                if since is not None and self._my_turn(demand.id, [demand.demander], since):
                    yield Expire(block.id, demand.position, demand.opened_at)

    def refunds(self) -> Iterator[Action]:
        """Own demands that were answered about an explanation that has fallen since: nobody is owed their fees.

        So however many false explanations the agent walks down, one after the other, its bond does not run out.
        """
        for block in self._view.pending:
            for demand in block.demands.values():
                below = demand.position.explanation != ZERO and demand.answer is not None
                due = below and not demand.settled and not block.answerable(demand, self._parameters.answer_window)
                if due and demand.demander == self._me:
                    yield SettleDemand(block.id, demand.position)

    def bounties(self) -> Iterator[Action]:
        """Own demands that L1 took before what slashed a block: the bounty moves to them."""
        for block in self._view.unsettled:
            if block.bounty is None or block.closed_at is None:
                continue
            if self._view.now >= block.closed_at + self._parameters.reveal_window:
                continue
            own = (d for d in block.open_demands if d.demander == self._me and d.position.explanation == ZERO)
            earlier = [d for d in own if d.order < block.bounty[1] and self._view.now >= d.deadline]
            if earlier:
                first = min(earlier, key=lambda d: d.order)
                yield Expire(block.id, first.position, first.opened_at)

    def _over_since(self, block: BlockView, demand: DemandView) -> int | None:
        """L1 time from which on an open demand can be ended, None if it cannot yet."""
        if block.answerable(demand, self._parameters.answer_window):
            return demand.deadline if self._view.now >= demand.deadline else None
        speaker = block.speaker(demand.position)
        if speaker is None:
            about = block.demands[Position(Item.ROOTS, demand.position.tree, demand.position.index)]
            return about.opened_at  # it was refuted then
        # its author fell over another one; or it is about the same explanation as it was given before
        return block.explained_at(demand.position) if speaker.fallen_at is None else speaker.fallen_at

    def head(self) -> Iterator[Action]:
        """A live block better than the head, which happens only after the head's branch was slashed."""
        view = self._view
        best = view.blocks[view.best(view.live)]
        if best.id != view.head and self._my_turn(best.id, [best.miner], max(view.head_since, best.proposed_at)):
            yield ClaimHead(best.id, view.head)

    def contest(self, right: Collection[BlockId]) -> Iterator[Action]:
        """A branch that the agent found right, beside a head that it did not: nothing worse can be final then.

        There is time to replay the head's branch first.
        """
        found = contender(self._view, right, self._me)
        if found is None:
            return
        block, rival = found
        since = max(block.proposed_at, rival.proposed_at + self._parameters.challenge_window // 2)
        if self._my_turn(block.id, [block.miner], since):
            yield Contest(block.id, self._view.head)

    def dismissal(self) -> Iterator[Action]:
        """A rival that has fallen, while there are many: L1 looks at each of them whenever a block becomes final."""
        if len(self._view.rivals) <= _FEW_RIVALS or (found := fallen_rival(self._view)) is None:
            return
        place, rival = found
        since = max(self._view.head_since, rival.closed_at or 0)
        if self._my_turn(rival.id, [], since):
            window = self._parameters.answer_window
            yield Dismiss(place, rival.id, since + (self._view.now - since) // window * window)

    def catching_up(self) -> Iterator[Action]:
        """The best own block beside the head's branch, where many were slashed since it was proposed.

        L1 looks at all of them before it takes a child of it, or makes it the head.
        """
        view, on_head = self._view, {block.id for block in self._view.branch(self._view.head)}
        own = [b.id for b in view.live.values() if b.miner == self._me and b.id not in on_head]
        own = [i for i in own if view.blocks[i].status is Status.PENDING]
        if own:
            best = view.blocks[view.best(own)]
            for number in range((view.slashes - best.slashes_before) // ENTRIES):
                yield CatchUp(best.id, number)

    def finalization(self, right: Collection[BlockId]) -> Iterator[Action]:
        """The block on top of the finalized tip, on the head's branch.

        The agent must have found it right itself, and its witness too: garbage whose proof is on its way is judged as
        soon as its window is over, and would decide between branches.
        """
        branch = list(self._view.branch(self._view.head))[::-1]
        if not branch or branch[0].parent != self._view.finalized_tip:
            return
        block = branch[0]
        since = self._finalizable_since(block)

        def counts(block: BlockView) -> bool:
            return self._is_judged(block) and (block.id in right or block.miner == self._me)

        found = witness(self._view, branch, counts)
        if found is None or since is None:
            return
        since = max(since, self._judged_at(found))
        if self._my_turn(block.id, [block.miner], since):
            yield Finalize(block.id, found.id)

    def _is_judged(self, block: BlockView) -> bool:
        return not block.open_demands and self._view.now >= self._judged_at(block)

    def orphans(self, *, own: bool) -> Iterator[Action]:
        """Pending blocks that can never be finalized, one generation after the other."""
        view = self._view
        for block in view.pending:
            if block.id in view.live or block.open_demands:
                continue
            since, first = self._dead_since(block), [block.miner, *block.attestations]
            if since is not None and (self._me in first) is own and self._my_turn(block.id, first, since):
                yield Orphan(block.id)

    def settlements(self, *, own: bool) -> Iterator[Action]:
        """Attestations, demands and bonds of blocks in a final state."""
        for block in self._view.unsettled:
            if not own and _settled(block) >= self._settled:
                continue
            yield from self._fees(block, own=own)
            speaker = block.speakers.get(self._me)
            if own and speaker is not None and not speaker.fallen and not speaker.released:
                yield Release(block.id, self._me)
            if block.status is Status.SLASHED:
                yield from self._spoils(block, own=own)
                continue
            mine = block.attestations.get(self._me)
            if own and mine is not None and not mine.settled:
                yield SettleAttestation(block.id, self._me)

    def _spoils(self, block: BlockView, *, own: bool) -> Iterator[Action]:
        """What a slashed block's miner and attesters forfeit.

        Its winners collect; others only if they do not, or where nobody gains: what attesters of a block that fell by
        silence lose is burned.
        """
        if block.bounty is None or block.closed_at is None:
            return
        since = block.closed_at + self._parameters.reveal_window
        winners = [block.bounty[0], *([block.prover] if block.prover not in (None, block.bounty[0]) else [])]
        if not block.forfeited and self._settles(block.id, winners, since, own=own):
            yield ForfeitBond(block.id)
        if self._settles(block.id, [] if block.lapsed else winners, since, own=own):
            for verifier, attestation in block.attestations.items():
                if not attestation.settled:
                    yield SettleAttestation(block.id, verifier)

    def _fees(self, block: BlockView, *, own: bool) -> Iterator[Action]:
        """The fees of demands; whoever gets one goes first. An open one may still take the bounty for a while."""
        closed_at = block.closed_at or 0
        for demand in block.demands.values():
            since = closed_at + self._parameters.reveal_window if demand.open else closed_at
            first = _beneficiaries(block, demand, self._parameters)
            if not demand.settled and self._settles(demand.id, first, since, own=own):
                yield SettleDemand(block.id, demand.position)

    def _settles(self, what: bytes, first: Sequence[str], since: Seconds, *, own: bool) -> bool:
        """Says whether a call that is due from ``since`` on is to be made: for oneself, or for others."""
        return self._view.now >= since and (self._me in first) is own and self._my_turn(what, first, since)

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
        return judged_at(block, self._parameters)

    def _my_turn(self, what: bytes, first: Sequence[str], since: Seconds) -> bool:
        """Says whether a call that was due from ``since`` on is this agent's to make by now.

        Nobody waits for more than a few others: accounts that do nothing are cheap.
        """
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


def _settled(block: BlockView) -> int:
    """How much of what a block owes since it is in a final state is settled."""
    paid = (d.settled_at for d in block.demands.values() if d.settled_at is not None)
    owed = sum(at >= (block.closed_at or 0) for at in paid)
    return owed + sum(a.settled for a in block.attestations.values())


def _beneficiaries(block: BlockView, demand: DemandView, parameters: Parameters) -> list[str]:
    """Who gets something when a demand is settled.

    Whoever answered does; of a slashed block whoever paid the fee gets it back, and answers by others than its miner
    are paid from the miner's bond; explanations, and what is shown of them, are not. They are paid if they stand.
    """
    slashed, responder = block.status is Status.SLASHED, demand.responder
    if demand.position.explains:
        stands = responder is not None and not slashed and not block.speakers[responder].fallen
        return [responder] if responder is not None and stands else [demand.demander]
    below = demand.position.explanation != ZERO
    if below and (slashed or not block.answerable(demand, parameters.answer_window)):
        return [demand.demander]
    if responder is None or (slashed and responder == block.miner):
        return [demand.demander]
    return [demand.demander, responder] if slashed else [responder]
