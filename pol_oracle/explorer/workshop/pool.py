"""The process that does the work, and what it has found. It is started when it is first needed.

A question is a function of ``tools.py`` and its arguments. Whoever asks gets the answer if it is there, and nothing
while it is being worked out; once it is, everybody who watches is told.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import PolError

from . import tools

_KEPT = 512  # answers
_MOST_WAITING = 64  # questions; beyond that nothing is begun
Key = tuple[Any, ...]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class WorkshopConfig:
    """What the process works with.

    Attributes:
        deployment: names task and data.
        data: folder of finished data sets.
        states: where states may be found; the first is written to.
    """

    deployment: Deployment
    data: Path
    states: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """It could not be worked out, and why."""

    words: str


class Workshop:
    """Safe to share between threads.

    Args:
        config: what the process works with.
        changed: called when an answer has come, by some thread.
    """

    def __init__(self, config: WorkshopConfig, changed: Callable[[], None] = lambda: None) -> None:
        self._config, self._changed = config, changed
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._asked: OrderedDict[Key, Future[Any]] = OrderedDict()
        self._stage = multiprocessing.get_context("spawn").Array("d", 2)  # of a replay: steps done, steps in all

    def answer(self, function: Callable[..., Any], *arguments: Any) -> Any | Failed | None:
        """Returns what a function of ``tools.py`` gives, or None: it is being worked out."""
        future = self._future(function, *arguments)
        return _result(future) if future.done() else None

    def ask(self, name: Key, function: Callable[..., Any], *arguments: Any) -> None:
        """Begins what :meth:`answer` is asked for later, under another name than its arguments, which may be long."""
        self._future(function, *arguments, name=(function.__name__, *name))

    async def wait(self, function: Callable[..., Any], *arguments: Any) -> Any | Failed:
        """The same, when it is there."""
        future = self._future(function, *arguments)
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), 60.0)
        except Exception:  # noqa: BLE001  (told below)
            return _result(future) if future.done() else Failed("it takes too long")
        return _result(future)

    def known(self, function: Callable[..., Any], *arguments: Any) -> bool:
        """Says whether somebody has asked that already."""
        with self._lock:
            return (function.__name__, *arguments) in self._asked

    @property
    def progress(self) -> float:
        """Which part of the replay under way is done, 0 to 1."""
        done, total = self._stage[:]
        return min(done / total, 1.0) if total else 0.0

    def close(self) -> None:
        """Ends the process."""
        with self._lock:
            if self._pool is not None:
                processes = list((self._pool._processes or {}).values())
                self._pool.shutdown(wait=False, cancel_futures=True)
                for process in processes:
                    process.terminate()

    def _future(self, function: Callable[..., Any], *arguments: Any, name: Key | None = None) -> Future[Any]:
        key = name or (function.__name__, *arguments)
        with self._lock:
            known = self._asked.get(key)
            if known is not None and not _broken(known):
                self._asked.move_to_end(key)
                return known
            if sum(not future.done() for future in self._asked.values()) >= _MOST_WAITING:
                busy: Future[Any] = Future()
                busy.set_result(Failed("too much is asked at once; try again"))
                return busy
            future = self._asked[key] = self._running(known).submit(function, *arguments)
            while len(self._asked) > _KEPT:
                self._asked.popitem(last=False)
        future.add_done_callback(lambda _: self._changed())
        return future

    def _running(self, broken: Future[Any] | None) -> ProcessPoolExecutor:
        if self._pool is None or broken is not None:
            context = multiprocessing.get_context("spawn")
            settings = self._config.deployment.model_dump_json(), str(self._config.data), self._config.states
            self._pool = ProcessPoolExecutor(
                1, mp_context=context, initializer=tools.prepare, initargs=(*settings, self._stage)
            )
        return self._pool


def _broken(future: Future[Any]) -> bool:
    return future.done() and isinstance(future.exception(), BrokenProcessPool)


def _result(future: Future[Any]) -> Any | Failed:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, PolError):
        return Failed(str(error))
    log.error("the workshop failed", reason=repr(error))
    return Failed("the process that works it out has ended; ask again")
