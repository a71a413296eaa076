"""One background thread per kind of work, so that a loop keeps listening to L1 while it computes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pol_oracle.protocol.errors import PolError

Value = TypeVar("Value")
Work = Callable[[Callable[[], bool]], Value]
_DOUBLINGS = 3  # of the pause between attempts at what fails, one from each to the next


class Running(Protocol):
    """What a thread tells of itself."""

    def is_alive(self) -> bool:
        """Says whether it goes on."""

    def join(self, timeout: float | None = None) -> None:
        """Waits for its end, at most so many seconds."""


Spawn = Callable[[Callable[[], None], str], Running]
"""Begins to run something, under a name."""


def daemon(run: Callable[[], None], name: str) -> Running:
    """Starts a thread; a process that ends does not wait for work it no longer wants."""
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


@dataclass(frozen=True)
class Background:
    """How work is done beside a loop.

    Attributes:
        retry_s: seconds until what failed is tried a second time.
        clock: in seconds.
        spawn: begins work.
    """

    retry_s: float = 1.0
    clock: Callable[[], float] = time.monotonic
    spawn: Spawn = daemon

    def again_at(self, failures: int = 1) -> float:
        """Returns when to try again what failed so often just now."""
        return self.clock() + self.retry_s * (1 << min(failures - 1, _DOUBLINGS))


class Cancelled(Exception):
    """Raised by work that was asked to stop."""


@dataclass(frozen=True)
class Done(Generic[Value]):
    """Finished work.

    Attributes:
        key: what it was started as.
        value: what it returned, or the expected error it ended with.
    """

    key: bytes
    value: Value | PolError


class Worker(Generic[Value]):
    """Runs one piece of work at a time.

    Args:
        name: of its threads.
        spawn: starts them.
    """

    def __init__(self, name: str, spawn: Spawn = daemon) -> None:
        self._name, self._spawn = name, spawn
        self._key: bytes | None = None
        self._cancel = threading.Event()
        self._thread: Running | None = None
        self._outcome: Value | BaseException | None = None

    @property
    def key(self) -> bytes | None:
        """What it works at, None when idle. Finished work counts until it is taken."""
        return self._key

    @property
    def cancelled(self) -> bool:
        """What it works at was asked to stop."""
        return self._cancel.is_set()

    def start(self, key: bytes, work: Work[Value]) -> None:
        """Starts work; the worker must be idle. ``work`` is given a function that says whether it was cancelled."""
        if self._key is not None:
            raise RuntimeError(f"{self._name} is busy")
        self._key, self._outcome = key, None
        self._cancel = cancel = threading.Event()
        self._thread = self._spawn(lambda: self._run(work, cancel), self._name)

    def take(self) -> Done[Value] | None:
        """Returns what was finished since the last call; None if nothing was, or it was cancelled.

        Raises:
            Exception: the work failed in a way nobody expects.
        """
        if self._key is None or self._thread is None or self._thread.is_alive():
            return None
        key, outcome = self._key, self._outcome
        self._key = self._thread = None
        if isinstance(outcome, Cancelled):
            return None
        if isinstance(outcome, BaseException) and not isinstance(outcome, PolError):
            raise outcome
        return Done(key, outcome)  # type: ignore[arg-type]

    def cancel(self) -> None:
        """Asks the running work to stop. It still has to be taken."""
        self._cancel.set()

    def close(self, patience: float) -> None:
        """Cancels and waits at most ``patience`` seconds."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(patience)

    def _run(self, work: Work[Value], cancel: threading.Event) -> None:
        try:
            self._outcome = work(cancel.is_set)
        except BaseException as error:  # noqa: BLE001  (take() raises it in the loop)
            self._outcome = error
