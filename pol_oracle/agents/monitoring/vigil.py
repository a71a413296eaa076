"""An agent never waits in silence: what it waits for is said once, ever more rarely while it lasts, and at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .waiting import L1_STANDS, NO_BOND, Wait, l1_wait

FIRST_PAUSE_S = 60.0  # until a reason is said again; doubles each time
LONGEST_PAUSE_S = 3600.0
HEALTHY_S = 60.0  # without a turn, after which an agent is not well


@dataclass
class _Told:
    """A reason that was said; ``over`` is when it was last seen to have passed, None while it lasts."""

    next: float
    pause: float
    over: float | None = None


class Vigil:
    """What keeps an agent waiting, and whether it is well. Written by the loop's thread, read by any.

    Args:
        log: of the agent.
        clock: seconds.
    """

    def __init__(self, log: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._told: dict[str, _Told] = {}
        self._l1: tuple[int | None, float] = (None, clock())  # the newest L1 block, and since when
        self._turned = clock()
        self._waits: tuple[Wait, ...] = ()

    def turned(self, l1_block: int | None, waits: Sequence[Wait]) -> tuple[Wait, ...]:
        """Notes a turn of the loop, and says what is new.

        Args:
            l1_block: the newest L1 block that was seen; None: nobody looked.
            waits: what the agent waits for.

        Returns:
            The same, and an L1 that makes no blocks.
        """
        now = self._turned = self._clock()
        if l1_block is None or l1_block != self._l1[0]:
            self._l1 = l1_block, now
        stands = l1_wait(now - self._l1[1])
        self._waits = (*waits, stands) if stands is not None else tuple(waits)
        self._tell({wait.key: wait for wait in self._waits}, now)
        return self._waits

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Says whether the agent is well, and why not."""
        silent = self._clock() - self._turned
        well = silent < HEALTHY_S and not any(wait.key in (NO_BOND, L1_STANDS) for wait in self._waits)
        return well, {
            "healthy": well,
            "seconds_since_turn": round(silent, 1),
            "waiting": [str(wait) for wait in self._waits],
        }

    def _tell(self, waits: dict[str, Wait], now: float) -> None:
        for key, wait in waits.items():
            told = self._told.setdefault(key, _Told(now, FIRST_PAUSE_S))
            told.over = None
            if now >= told.next:
                told.next, told.pause = now + told.pause, min(2 * told.pause, LONGEST_PAUSE_S)
                say = self._log.warning if wait.remedy else self._log.info
                say("waiting", reason=wait.text, **({"remedy": wait.remedy} if wait.remedy else {}))
        for key, told in list(self._told.items()):
            if key in waits:
                continue
            told.over = now if told.over is None else told.over
            if now - told.over >= FIRST_PAUSE_S:  # a bond that is short comes and goes with every block
                del self._told[key]
                self._log.info("no longer waiting", what=key)
