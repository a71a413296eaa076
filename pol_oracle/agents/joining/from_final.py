"""The events since a final block was proposed, the tip or one below, behind made-up ones that say what was before.

Nothing lives that was proposed before the finalized tip and does not lie below, so of all live blocks nothing is
missing, nor of any account that moves money; of one that rests nothing is known. What lost to the tip, and was proposed
before it, may be pending yet: that is why to begin earlier is better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import structlog

from pol_oracle.l1.client import Client
from pol_oracle.l1.events import typed as ev
from pol_oracle.l1.monitor import Monitor, Update
from pol_oracle.l1.records import BlockRecord, L1Block, LogPosition
from pol_oracle.protocol.errors import ChainError, NodeTrouble, Pruned, Unreachable, WrongChain
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.types import Address, BlockId, Seconds, Wei
from pol_oracle.view import View

from .ancestors import Ancestors

_MONEY = (ev.Deposited, ev.Unbonded, ev.Locked, ev.Unlocked, ev.Forfeited, ev.Credited, ev.Awarded, ev.Collected)
_OF_THE_HEAD = (ev.HeadChanged, ev.HeadContested, ev.RivalDismissed)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Start:
    """Where to begin.

    Attributes:
        id: of a final block.
        final: an L1 block after which it was that.
        l1_blocks: numbers of the L1 blocks that may hold its proposal.
        record: what the registry keeps of it.
    """

    id: BlockId
    final: L1Block
    l1_blocks: range
    record: BlockRecord


class FromFinal:
    """An event source that tells nothing before it can tell all that L1 has confirmed.

    Args:
        client: connected to the deployment.
        start: where to begin.
        ancestors: what lies below.
        monitor: reads events from that block's proposal on.
        window: challenge window of the deployment.
        account: whose bonds are told in any case; None: nobody's.
        fallen: called when L1 was reorganised below its finality: nothing holds then, and it tells nothing more.
    """

    def __init__(
        self,
        client: Client,
        start: Start,
        ancestors: Ancestors,
        monitor: Monitor,
        window: Seconds,
        account: Address | None,
        fallen: Callable[[], None],
    ) -> None:
        self._client, self._start, self._ancestors = client, start, ancestors
        self._monitor, self._window, self._fallen = monitor, window, fallen
        self._wanted = set() if account is None else {account}
        self._account = account
        self._begun = False
        self._held: list[ev.Event] = []  # read, and not told
        self._back: int | None = None  # roll-back, likewise
        self._below: set[BlockId] = set()
        self._known: set[BlockId] = set()
        self._based: set[Address] = set()  # accounts whose money before all events is told

    def poll(self) -> Update | None:
        """Returns what is new; None where more has to be read first.

        Raises:
            StoreError: the header of a final block is nowhere.
            Pruned: the node has no log of its proposal either, or refuses to show it.
            ChainError: see :meth:`Ancestors.walk` and :meth:`Monitor.poll`.
        """
        if not self._begun and not self._ancestors.walk():
            return None
        update = self._read()
        self._hold(update)  # the monitor will not tell it again, whatever fails from here on
        if self._fell(update):
            self._fallen()
            return None
        if not update.whole:
            return None
        before = [] if self._begun else self._beginning()
        told = [event for event in self._held if self._concerns(event)]
        money, moving = self._money(told, update.l1_block)
        if not self._stands(update.l1_block, update.l1_hash):
            return None
        whole = replace(update, rollback_to=self._back, events=(*before, *money, *told))
        if not self._begun:
            log.info("begun from a final block", block=self._start.id.hex(), l1_block=self._start.l1_blocks[0])
        self._based |= moving
        self._begun, self._held, self._back = True, [], None
        return whole

    def _read(self) -> Update:
        try:
            return self._monitor.poll()
        except (Unreachable, WrongChain):
            raise
        except ChainError as error:
            if self._begun:
                raise
            raise Pruned(str(error)) from error

    def _fell(self, update: Update) -> bool:
        """Whether L1 was reorganised so far back that it may not have been final."""
        if update.rollback_to is not None and update.rollback_to < self._start.final.number:
            return True
        return not self._begun and not self._stands(self._start.final.number, self._start.final.hash)

    def _stands(self, number: int, l1_hash: bytes) -> bool:
        block = self._client.block(number)
        return block is not None and block.hash == l1_hash

    def _hold(self, update: Update) -> None:
        back = update.rollback_to
        if back is not None:
            self._held = [event for event in self._held if event.at.l1_block <= back]
            self._back = back if self._back is None else min(back, self._back)
        self._held += update.events

    def _beginning(self) -> list[ev.Event]:
        """What was before the proposal, which must be among the events."""
        start = self._start
        if not any(isinstance(event, ev.BlockProposed) and event.block_id == start.id for event in self._held):
            raise Pruned(
                f"it has none of L1 block {start.l1_blocks[0]} either, which holds final block {start.id.hex()}"
            )
        self._below, self._known = self._ancestors.ids, set()
        try:
            return list(self._ancestors.events(self._start.l1_blocks[0] - 1, self._window))
        except NodeTrouble:
            self._fallen()
            raise

    def _concerns(self, event: ev.Event) -> bool:
        """Whether it is about money, the head, or a block that was proposed since, on one that is known."""
        block_id: BlockId | None = getattr(event, "block_id", None)
        if block_id is None:
            return True
        if block_id in self._below:
            owed = isinstance(event, ev.AttestationSettled) and event.verifier == self._account
            return isinstance(event, _OF_THE_HEAD) or (owed and block_id in self._ancestors.owed)
        if isinstance(event, ev.BlockProposed) and (event.parent in self._known or event.parent in self._below):
            self._known.add(block_id)
        return block_id in self._known

    def _money(self, told: Iterable[ev.Event], l1_block: int) -> tuple[list[ev.Event], set[Address]]:
        """What accounts had that move money for the first time: what they have now, less what they have moved."""
        moves = View(ZERO)
        for event in told:
            if isinstance(event, _MONEY):
                moves.apply(event)
        moving = ({account for account, _ in moves.bonds} | set(moves.credits) | self._wanted) - self._based
        found: list[ev.Event] = []
        for account in sorted(moving):
            for role in Role:
                has, moved = self._client.bond(account, role, l1_block), moves.bond(account, role)
                found += self._bonded(account, role, has.free - moved.free, has.locked - moved.locked)
            found += self._credited(account, self._client.credit(account, l1_block) - moves.credits.get(account, 0))
        return found, moving

    def _bonded(self, account: Address, role: Role, free: Wei, locked: Wei) -> Iterator[ev.Event]:
        if free + locked:
            yield ev.Deposited(account, role, free + locked, self._before)
        if locked:
            yield ev.Locked(account, role, locked, self._before)

    def _credited(self, account: Address, credit: Wei) -> Iterator[ev.Event]:
        """A bond that was taken back: nothing that an account earned since."""
        if credit:
            yield ev.Deposited(account, Role.VERIFIER, credit, self._before)
            yield ev.Unbonded(account, Role.VERIFIER, credit, self._before)

    @property
    def _before(self) -> LogPosition:
        """Right before the block was proposed."""
        return LogPosition(self._start.l1_blocks[0] - 1, ZERO, 0, self._start.record.proposed_at, ZERO)
