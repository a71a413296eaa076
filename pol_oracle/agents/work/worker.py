"""One background thread per kind of work, so that a loop keeps listening to L1 while it computes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pol_oracle.protocol.errors import PolError

Value = TypeVar("Value")
Work = Callable[[Callable[[], bool]], Value]


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

    The thread is a daemon: a process that ends does not wait for work it no longer wants.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._key: bytes | None = None
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None
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
        self._thread = threading.Thread(target=self._run, args=(work, cancel), name=self._name, daemon=True)
        self._thread.start()

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
