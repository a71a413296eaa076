"""Trouble that passes, such as an L1 that is away: said at once, ever more rarely while it lasts, and at its end."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

from pol_oracle.protocol.errors import ChainError, Pruned, StoreError, WrongChain

LONGEST_PAUSE_S = 10.0  # between two tries


class Absence:
    """Tries in a row that came to nothing.

    Args:
        log: of the agent.
        clock: seconds.
    """

    def __init__(self, log: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._tries = 0
        self._since = 0.0

    def note(self, error: Exception) -> None:
        """Takes note of a try that failed. The first, second, fourth, ... in a row are worth a word.

        Raises:
            Exception: the same, if waiting does not mend it.
        """
        if not passes(error):
            raise error
        if not self._tries:
            self._since = self._clock()
        self._tries += 1
        if self._tries & (self._tries - 1) == 0:
            what = "l1 is away" if isinstance(error, ChainError) else "the disk takes no writes"
            tell = self._log.warning
            if isinstance(error, Pruned):  # it is there, and this passes only if somebody does something
                what, tell = "there is nothing to begin from", self._log.error
            tell(what, since=f"{self._clock() - self._since:.0f} s", tries=self._tries, reason=str(error))

    def over(self) -> None:
        """Takes note of a try that did not fail."""
        if self._tries:
            self._log.info("going on", after=f"{self._clock() - self._since:.0f} s", tries=self._tries)
            self._tries = 0

    def pause_s(self, shortest: float) -> float:
        """Returns how long to wait before the next try, in seconds; longer from one to the next."""
        return min(shortest * 2 ** min(self._tries, 8), LONGEST_PAUSE_S) if self._tries else shortest


def passes(error: Exception) -> bool:
    """Says whether waiting mends it: not another deployment, nor a damaged file, but a full disk or one away."""
    if isinstance(error, StoreError):
        return isinstance(error.__cause__, sqlite3.OperationalError)
    return not isinstance(error, WrongChain)
