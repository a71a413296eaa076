"""Threads that share the work of one operation. Kernels release the interpreter's lock, so they run side by side."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from pol_oracle.protocol.errors import InputError

from ..kernels.modes import require_exact

Share = Callable[[int, int], bool]  # (part, parts) -> all finite


class Team:
    """The calling thread and some helpers, which live until the team is dropped.

    Args:
        size: threads, the caller included.

    Raises:
        InputError: fewer than one.
    """

    def __init__(self, size: int) -> None:
        self._inboxes: list[SimpleQueue[tuple[Share, int, int] | None]] = []
        if size < 1:
            raise InputError(f"the canonical arithmetic needs at least one thread, not {size}")
        self.size = size
        self._done: SimpleQueue[bool | BaseException] = SimpleQueue()
        self._inboxes = [SimpleQueue() for _ in range(size - 1)]
        for inbox in self._inboxes:
            Thread(target=_help, args=(inbox, self._done), name="canonical", daemon=True).start()

    def __del__(self) -> None:
        for inbox in self._inboxes:
            inbox.put(None)

    def run(self, share: Share) -> bool:
        """Calls ``share(part, size)`` once for every part, side by side; returns whether all were True."""
        for part, inbox in enumerate(self._inboxes, 1):
            inbox.put((share, part, self.size))
        results: list[bool | BaseException] = []
        try:
            results.append(share(0, self.size))
        finally:  # the helpers write to shared memory: never leave before they have finished
            results += [self._done.get() for _ in self._inboxes]
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return all(results)


def _help(inbox: SimpleQueue[tuple[Share, int, int] | None], done: SimpleQueue[bool | BaseException]) -> None:
    while (work := inbox.get()) is not None:
        share, part, parts = work
        del work
        try:
            require_exact()
            done.put(share(part, parts))
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            done.put(error)
        del share


def portion(total: int, part: int, parts: int, grain: int = 1) -> tuple[int, int]:
    """Cuts ``range(total)`` into ``parts`` at multiples of ``grain``; returns the bounds of one of them."""
    units = -(-total // grain)
    first, last = (min(total, units * p // parts * grain) for p in (part, part + 1))
    return first, last
