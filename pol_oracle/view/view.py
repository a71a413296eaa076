"""What an agent knows of L1: a fold of events and nothing else.

Rules of the fold:

* every event changes the view by itself; nothing is looked up in L1
* the view is a function of the events alone, so after an L1 reorg the kept events are folded again
* blocks are known by id, never by height, so a reorg cannot redirect a decision
* one event costs O(1); the fork choice costs O(pending blocks), once per batch of events
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import singledispatchmethod

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.difficulty import work
from pol_oracle.protocol.errors import WrongChain
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.lifecycle import SILENT, Candidate, Role, Status, choose_head
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.types import Address, BlockId, DemandId, Seconds, Wei

from .blocks import NOBODY, Attestation, BlockView, BondView, Committed, DemandView, Speaker
from .disputes import Disputed, Disputes
from .lineage import Chain, Lineage


class View:
    """Everything the events say, folded in L1 order.

    Attributes:
        l1_block: the last L1 block whose events are in.
        now: its timestamp in seconds.
        blocks: id -> block.
        head: the registry's fork choice.
        head_since: L1 time at which it became that.
        rivals: blocks that were the head until a block beside them was, or that somebody contested it with.
        finalized: ids of the finalized blocks by height, genesis first.
        bonds: (account, role) -> bond.
        credits: account -> wei to collect.
        commitments: (challenger, commitment) -> its order.
        slashes: blocks that were slashed so far.
    """

    def __init__(self, genesis_id: BlockId) -> None:
        self.l1_block = 0
        self.now = 0
        genesis = BlockView(genesis_id, None, NOBODY, ZERO, 0, 0, 0, 0, 0, 0, Status.FINALIZED, 0)
        self.blocks: dict[BlockId, BlockView] = {genesis_id: genesis}
        self.head = genesis_id
        self.head_since = 0
        self.rivals: set[bytes] = set()
        self.finalized = [genesis_id]
        self.bonds: dict[tuple[str, Role], BondView] = {}
        self.credits: dict[str, int] = {}
        self.commitments: dict[tuple[str, bytes], Committed] = {}
        self.slashes = 0
        self._pending: dict[BlockId, BlockView] = {}
        self._disputes = Disputes()
        self._unsettled: dict[BlockId, BlockView] = {}
        self._live: dict[BlockId, BlockView] | None = None
        self._lineages: dict[BlockId, Lineage] = {genesis_id: ()}

    # --- questions ---

    @property
    def finalized_tip(self) -> BlockId:
        """The last finalized block."""
        return self.finalized[-1]

    @property
    def pending(self) -> list[BlockView]:
        """Pending blocks in L1 order."""
        return list(self._pending.values())

    @property
    def demands(self) -> dict[DemandId, DemandView]:
        """Demand id -> demand, explanations among them."""
        return self._disputes.all

    @property
    def open_demands(self) -> list[DemandView]:
        """Demands about pending blocks that nobody has answered, in L1 order. Deadlines stretch with their number."""
        return list(self._disputes.open.values())

    @property
    def unsettled(self) -> list[BlockView]:
        """Blocks in a final state that still hold somebody's bond or fee."""
        return list(self._unsettled.values())

    @property
    def live(self) -> dict[BlockId, BlockView]:
        """The finalized tip and every pending block that descends from it with no slashed or orphaned ancestor."""
        if self._live is None:
            self._live = {self.finalized_tip: self.blocks[self.finalized_tip]}
            for block in self._pending.values():  # a parent always comes before its child
                if block.parent in self._live:
                    self._live[block.id] = block
        return self._live

    def best(self, among: Iterable[bytes]) -> BlockId:
        """Returns the fork choice's head among some live blocks (never empty)."""
        blocks = (self.blocks[i] for i in among)
        return choose_head(Candidate(b.id, b.total_work, b.sequence) for b in blocks).id

    def branch(self, block_id: BlockId) -> Iterator[BlockView]:
        """Yields a block and its ancestors down to, without, the first one that is not pending."""
        block = self.blocks[block_id]
        while block.status is Status.PENDING:
            yield block
            block = self.blocks[block.parent]

    def lineage(self, block_id: BlockId) -> Lineage:
        """Returns the headers from the first block after genesis up to a block; none for genesis."""
        return self._lineages[block_id]

    def child_difficulty(self, block_id: BlockId, parameters: Parameters) -> int:
        """Returns the difficulty that a block's children are born with."""
        block = self.blocks[block_id]
        if block.header is None:
            return parameters.difficulty
        return self.retargeted(block.difficulty, block.parent, block.proposed_at, parameters)

    def retargeted(self, difficulty: int, parent_id: BlockId, proposed_at: Seconds, parameters: Parameters) -> int:
        """Returns the same of a block that this view need not hold: of that difficulty, parent and L1 time."""
        parent = self.blocks[parent_id]
        if parent.header is None:  # nobody searched for genesis: the time since says nothing
            return difficulty
        return parameters.retarget(difficulty, proposed_at - parent.proposed_at)

    def bond(self, account: Address, role: Role) -> BondView:
        """Returns an account's bond, zero if it never deposited."""
        return self.bonds.get((account, role), BondView())

    def verifiers(self, least: int) -> list[str]:
        """Accounts with a verifier's bond of so many wei at least."""
        return [a for (a, role), bond in self.bonds.items() if role is Role.VERIFIER and bond.total >= max(1, least)]

    # --- the fold ---

    @singledispatchmethod
    def apply(self, event: ev.Event) -> None:
        """Takes in one event; an event the view has no use for changes nothing."""

    @apply.register
    def _(self, event: ev.BlockProposed) -> None:
        parent = self._block(event.parent)
        block = BlockView(
            id=event.block_id,
            header=event.header,
            miner=event.miner,
            parent=event.parent,
            height=event.height,
            difficulty=event.difficulty,
            total_work=parent.total_work + work(event.difficulty),
            sequence=len(self.blocks),
            proposed_at=event.at.timestamp,
            correct_after=event.header.correct_after,
            slashes_before=self.slashes,
        )
        self.blocks[block.id] = self._pending[block.id] = block
        self._lineages[block.id] = Chain(self._lineages[block.parent], event.header)
        if self._live is not None and block.parent in self._live:
            self._live[block.id] = block

    @apply.register
    def _(self, event: ev.HeadChanged) -> None:
        block = self._block(event.block_id)
        self.head, self.head_since = block.id, event.at.timestamp
        if block.header is None and block.closed_at == 0:  # the registry's constructor announces genesis
            block.proposed_at = block.closed_at = event.at.timestamp

    @apply.register
    def _(self, event: ev.HeadContested) -> None:
        self.rivals.add(self._block(event.block_id).id)

    @apply.register
    def _(self, event: ev.RivalDismissed) -> None:
        self.rivals.discard(event.block_id)

    @apply.register
    def _(self, event: ev.Attested) -> None:
        self._block(event.block_id).attestations[event.verifier] = Attestation(event.at.timestamp)

    @apply.register
    def _(self, event: ev.BlockFinalized) -> None:
        self._close(event.block_id, Status.FINALIZED, event.at.timestamp)
        self.blocks[event.block_id].reward = event.reward
        self.finalized.append(event.block_id)

    @apply.register
    def _(self, event: ev.BlockSlashed) -> None:
        self._close(event.block_id, Status.SLASHED, event.at.timestamp)
        self.slashes += 1
        self.blocks[event.block_id].slashed_for = event.kind

    @apply.register
    def _(self, event: ev.BlockOrphaned) -> None:
        self._close(event.block_id, Status.ORPHANED, event.at.timestamp)

    @apply.register
    def _(self, event: ev.BondForfeited) -> None:
        block = self._block(event.block_id)
        block.forfeited_at = event.at.timestamp
        self._settle(block)

    @apply.register
    def _(self, event: ev.AttestationSettled) -> None:
        block = self._block(event.block_id)
        block.attestations[event.verifier].settled = True
        self._settle(block)

    @apply.register
    def _(self, event: ev.Deposited) -> None:
        self._move(event.account, event.role, free=event.amount)

    @apply.register
    def _(self, event: ev.Unbonded) -> None:
        self._move(event.account, event.role, free=-event.amount)
        self._credit(event.account, event.amount)

    @apply.register
    def _(self, event: ev.Locked) -> None:
        self._move(event.account, event.role, free=-event.amount, locked=event.amount)

    @apply.register
    def _(self, event: ev.Unlocked) -> None:
        self._move(event.account, event.role, free=event.amount, locked=-event.amount)

    @apply.register
    def _(self, event: ev.Forfeited) -> None:
        self._move(event.account, event.role, locked=-event.amount)

    @apply.register
    def _(self, event: ev.Credited) -> None:
        self._credit(event.account, event.amount)

    @apply.register
    def _(self, event: ev.Awarded) -> None:
        self._move(event.account, event.role, locked=-event.amount)
        self._credit(event.beneficiary, event.amount)

    @apply.register
    def _(self, event: ev.Collected) -> None:
        self._credit(event.account, -event.amount)

    @apply.register
    def _(self, event: ev.ChallengeCommitted) -> None:
        self.commitments[event.challenger, event.commitment] = Committed(event.order, event.at.l1_block)

    @apply.register
    def _(self, event: ev.BountyAssigned) -> None:
        block = self._block(event.block_id)
        silent = event.kind in SILENT
        if block.bounty is None:
            block.prover = event.challenger
        block.lapsed = silent and (block.bounty is None or block.lapsed)
        if block.bounty is None or event.order < block.bounty[1]:
            block.bounty = event.challenger, event.order

    @apply.register
    def _(self, event: Disputed) -> None:
        block = self._block(event.block_id)
        demand = self._disputes.apply(event)
        block.demands[demand.position] = demand
        if isinstance(event, ev.Explained):
            block.speakers.setdefault(event.author, Speaker())
        elif isinstance(event, ev.ExplanationRefuted):
            speaker = block.speakers[event.author]
            speaker.fallen_at = event.at.timestamp if speaker.fallen_at is None else speaker.fallen_at
        block.answered_at = max(block.answered_at, demand.answered_at or 0)
        if demand.settled:
            self._settle(block)

    @apply.register
    def _(self, event: ev.SpeakerReleased) -> None:
        block = self._block(event.block_id)
        block.speakers[event.author].released = True
        self._settle(block)

    def _block(self, block_id: BlockId) -> BlockView:
        if block_id not in self.blocks:
            raise WrongChain(
                f"an event names block {block_id.hex()}, which was never proposed here: "
                "check genesis id and start block of the deployment file"
            )
        return self.blocks[block_id]

    def _close(self, block_id: BlockId, status: Status, timestamp: Seconds) -> None:
        block = self._block(block_id)
        block.status, block.closed_at = status, timestamp
        self._pending.pop(block_id, None)
        self._disputes.close(block.demands.values())
        self._unsettled[block_id] = block
        self._settle(block)
        self._live = None

    def _settle(self, block: BlockView) -> None:
        owes = block.status is Status.SLASHED and not block.forfeited
        paid = all(demand.settled for demand in block.demands.values())
        paid = paid and all(speaker.fallen or speaker.released for speaker in block.speakers.values())
        if not owes and paid and all(a.settled for a in block.attestations.values()):
            self._unsettled.pop(block.id, None)

    def _move(self, account: Address, role: Role, free: Wei = 0, locked: Wei = 0) -> None:
        bond = self.bonds.setdefault((account, role), BondView())
        bond.free += free
        bond.locked += locked

    def _credit(self, account: Address, amount: Wei) -> None:
        self.credits[account] = self.credits.get(account, 0) + amount
