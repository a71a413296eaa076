"""What an agent would know that is told what the monitor reads."""

from __future__ import annotations

from pol_oracle.l1.events.typed import Event, HeadChanged
from pol_oracle.l1.monitor import Update


class Folded:
    """What an agent would know: all events so far, with roll-backs applied."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def take(self, update: Update) -> Update:
        if update.rollback_to is not None:
            self.events = [e for e in self.events if e.at.l1_block <= update.rollback_to]
        self.events += update.events
        return update

    @property
    def works(self) -> list[int]:
        return [e.total_work for e in self.events if isinstance(e, HeadChanged)]
