"""The confirmed events, and the view folded from them; what L1 takes back is folded anew.

Whoever follows L1 for long may forget what no roll-back can ask for any more, or a stranger could fill its memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.errors import WrongChain
from pol_oracle.protocol.types import BlockId, Seconds

from .blocks import BlockView
from .view import View

SUMMED = 4096  # events that only move an account's money are summed up by as many: it takes a pass over all others

_Shown = ev.Revealed | ev.Explained
_Moved = ev.Deposited | ev.Unbonded | ev.Locked | ev.Unlocked | ev.Collected


class History:
    """The confirmed events, and the view folded from them.

    Attributes:
        events: all of them, in L1 order; once something was forgotten, without those that only moved an account's own
            money long ago.
        view: what they come to.
    """

    def __init__(self, genesis_id: BlockId) -> None:
        self._genesis_id = genesis_id
        self.view = View(genesis_id)
        self.events: list[ev.Event] = []
        self._answers: list[int] = []  # where events stand whose answers are kept
        self._moves: list[int] = []  # and those that can be summed up
        self._sums, self._summed_to = View(genesis_id), 0  # of events that are not kept, and their last L1 block

    def update(self, rollback_to: int | None, events: Iterable[ev.Event], l1_block: int, timestamp: Seconds) -> View:
        """Takes in what the monitor saw.

        Args:
            rollback_to: L1 was reorganised: events of blocks above this one never happened.
            events: new events, in L1 order.
            l1_block: last L1 block they cover.
            timestamp: of that L1 block, in seconds.

        Returns:
            The view, which the next update may replace.

        Raises:
            WrongChain: an event rests on one that was never told, or is forgotten: all of them have to be told anew.
        """
        if rollback_to is not None:
            self._roll_back(rollback_to)
        for event in events:
            self.view.apply(event)
            self._note(event)
        self.view.l1_block, self.view.now = l1_block, timestamp
        return self.view

    def forget(self, firm: Seconds) -> None:
        """Drops what was shown of blocks that were judged for good, and sums up how money moved.

        An answer takes up to 64 KiB, and an account can move its own bond for next to nothing.

        Args:
            firm: L1 time of the oldest L1 block that an update may still go back to, unless to before all events.
        """
        kept, over = list[int](), dict[BlockId, BlockView]()
        for place in self._answers:
            event = self.events[place]
            assert isinstance(event, _Shown)
            block = self.view.blocks[event.block_id]
            if block.judged_at is None or block.judged_at >= firm:
                kept.append(place)
            else:
                self.events[place], over[block.id] = replace(event, answer=b""), block
        for demand in (demand for block in over.values() for demand in block.demands.values()):
            demand.answer = None if demand.answer is None else b""
        self._answers = kept
        if len(self._moves) >= SUMMED and self.events[self._moves[SUMMED - 1]].at.timestamp < firm:
            self._sum_up(firm)

    def _roll_back(self, to: int) -> None:
        self._keep(event for event in self.events if event.at.l1_block <= to)
        torn = to < self._summed_to and bool(self.events)
        if to < self._summed_to:
            self._sums, self._summed_to = View(self._genesis_id), 0
        self.view = View(self._genesis_id)
        self.view.bonds = {who: replace(bond) for who, bond in self._sums.bonds.items()}
        self.view.credits = dict(self._sums.credits)
        for event in self.events:
            self.view.apply(event)
        if torn or any(self._is_missed(event) for event in self.events):  # what was firm depends on what a node says
            raise WrongChain(
                f"L1 went back to block {to}, and so further than it could: its events are to be read anew"
            )

    def _is_missed(self, event: ev.Event) -> bool:
        """Says whether an answer is forgotten that somebody may need again."""
        if not isinstance(event, _Shown) or event.answer:
            return False
        return self.view.blocks[event.block_id].judged_at is None

    def _sum_up(self, firm: Seconds) -> None:
        """Sums do not depend on an order, so what is summed up can be taken out from between other events."""
        moves = [self.events[place] for place in self._moves]
        for event in (event for event in moves if event.at.timestamp < firm):
            self._sums.apply(event)
            self._summed_to = max(self._summed_to, event.at.l1_block)
        self._keep(e for e in self.events if not (isinstance(e, _Moved) and e.at.timestamp < firm))

    def _keep(self, events: Iterable[ev.Event]) -> None:
        kept = list(events)
        self.events, self._answers, self._moves = [], [], []
        for event in kept:
            self._note(event)

    def _note(self, event: ev.Event) -> None:
        if isinstance(event, _Moved):
            self._moves.append(len(self.events))
        elif isinstance(event, _Shown) and event.answer:
            self._answers.append(len(self.events))
        self.events.append(event)
