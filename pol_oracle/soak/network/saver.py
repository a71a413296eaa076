"""A user that moves money by hand, in turn into the bond and out of it."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field, replace

from pol_oracle.l1.events.typed import Deposited, Unbonded
from pol_oracle.l1.sending.fees import GWEI

from ..judging.verdict import BondOrder
from .cast import Saver

_ETH = 10**18
_STEP = 1000 * GWEI  # by which amounts differ, so that each is known again
_LAST = "rewards "  # what the commands print when all is done: how the account stands, and this at its end
_VERBS = {Deposited: "deposit", Unbonded: "withdraw"}


@dataclass
class SaverOrders:
    """What the saver asks for: an order that failed again, word for word; the next one once that is done.

    Attributes:
        given: all so far.
    """

    saver: Saver = field(default_factory=Saver)
    given: list[BondOrder] = field(default_factory=list)
    _awaited: bool = False

    def words(self) -> tuple[str, ...] | None:
        """What is given to ``pol`` now; None while the last command has not ended: nobody gives one twice at once."""
        if self._awaited:
            return None
        if not self.given or self.given[-1].code == 0:
            number = len(self.given)
            event = (Deposited, Unbonded)[number % 2]
            amount = (_ETH if event is Deposited else _ETH // 10) + (number + 1) * _STEP
            self.given.append(BondOrder(self.saver.address, event, amount))
        self._awaited = True
        role, dev = self.saver.role.name.lower(), str(self.saver.dev)
        return ("bond", *self._what().split(), "--role", role, "--dev", dev)

    def ended(self, code: int, said: str) -> str:
        """Takes in how the command ended; returns a line that says so.

        One that was killed after its last line has done all it was told to.
        """
        self._awaited = False
        code = 0 if code == -signal.SIGKILL and said.startswith(_LAST) else code
        self.given[-1] = replace(self.given[-1], code=code, words=said)
        return f"{self._what()} ETH: exit code {code}, {said}"

    def _what(self) -> str:
        order = self.given[-1]
        return f"{_VERBS[order.event]} {order.amount / _ETH:.6f}"
