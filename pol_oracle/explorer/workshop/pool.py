"""The processes that do the work, and what they have found. Each is started when it is first needed.

A question is a function of ``tools.py`` and its arguments. Whoever asks gets the answer if it is there, and nothing
while it is being worked out; once it is, everybody who watches is told. A process that ends takes what waits for it
along, and the next question starts another. What takes long has a process of its own, so that pictures do not wait for
it. What went wrong is told for a while, and then tried again when asked.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import PolError

from . import tools

_KEPT = 256  # answers of a function
_MOST_WAITING = {"replayed": 4, "learned": 4, "filters": 16}  # questions to a function; beyond that nothing is begun
_ELSE_WAITING = 64
_LONG = {"replayed", "learned"}  # what takes a process for seconds, or minutes
_AGAIN_S = 10.0  # a failure is told for so long
_PATIENCE_S = 20.0  # somebody waits for an answer
Key = tuple[Any, ...]
Function = Callable[..., Any]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class WorkshopConfig:
    """What the process works with.

    Attributes:
        deployment: names task and data.
        data: folder of finished data sets.
        own: folder for states that replays leave behind; see ``shelf.py``.
        states: where states may be found besides.
    """

    deployment: Deployment
    data: Path
    own: Path
    states: tuple[str, ...]


@dataclass(frozen=True)
class Failed:
    """It could not be worked out, and why."""

    words: str


@dataclass(frozen=True)
class Busy(Failed):
    """Nothing was begun, or it takes too long to wait for: ask again."""

    words: str = "too much is asked at once; try again"


@dataclass
class _Question:
    """What somebody asked, as which question of all, and when it failed (in seconds of a monotonic clock)."""

    future: Future[Any]
    number: int
    failed_at: float | None = None

    @property
    def answer(self) -> Any | Failed | None:
        """What came of it; None while it is being worked out."""
        return _result(self.future) if self.future.done() else None


class Workshop:
    """Safe to share between threads.

    Args:
        config: what the process works with.
        changed: called when an answer has come, by some thread.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        config: WorkshopConfig,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config, self._changed, self._clock = config, changed, clock
        self._lock = threading.RLock()
        self._pools: dict[bool, ProcessPoolExecutor] = {}  # for what takes long, and for the rest
        self._asked: defaultdict[str, OrderedDict[Key, _Question]] = defaultdict(OrderedDict)
        self._numbers = count()
        self._stage = multiprocessing.get_context("spawn").Array("d", 2)  # of a replay: steps done, steps in all

    def answer(self, function: Function, *arguments: Any) -> Any | Failed | None:
        """Returns what a function of ``tools.py`` gives, or None: it is being worked out."""
        asked = self._ask(arguments, function, *arguments)
        return asked if isinstance(asked, Failed) else asked.answer

    async def wait(self, function: Function, *arguments: Any) -> Any | Failed:
        """The same, when it is there."""
        asked = self._ask(arguments, function, *arguments)
        if isinstance(asked, Failed):
            return asked
        done, _ = await asyncio.wait({asyncio.wrap_future(asked.future)}, timeout=_PATIENCE_S)
        for one in done:
            if not one.cancelled():
                one.exception()  # looked at here, told below
        found = asked.answer
        return Busy("it takes too long; try again") if found is None else found

    def begin(self, name: Key, function: Function, *arguments: Any) -> Failed | None:
        """Begins what :meth:`begun` is asked for later, unless it is under way or done; after a failure, at once.

        Args:
            name: instead of the arguments, which may be long.
            function: of ``tools.py``.
            arguments: of the function.

        Returns:
            Why it was not begun, or None.
        """
        asked = self._ask(name, function, *arguments, again_s=0.0)
        return asked if isinstance(asked, Failed) else None

    def begun(self, name: Key, function: Function) -> tuple[bool, Any | Failed | None]:
        """Returns whether somebody has begun that, and what came of it; None while it is being worked out."""
        with self._lock:
            asked = self._asked[function.__name__].get(name)
            return (False, None) if asked is None else (True, asked.answer)

    def full(self, function: Function) -> bool:
        """Says whether so much waits for a function that no other question to it is begun."""
        with self._lock:
            waiting = sum(not one.future.done() for one in self._asked[function.__name__].values())
        return waiting >= _MOST_WAITING.get(function.__name__, _ELSE_WAITING)

    def progress(self, name: Key, function: Function) -> float | None:
        """Which part of a replay that was begun is done, 0 to 1; None while others of one process are before it."""
        with self._lock:
            asked = self._asked[function.__name__][name]
            long = (one for kind in _LONG for one in self._asked[kind].values())
            if any(one.number < asked.number and not one.future.done() for one in long):
                return None
        done, total = self._stage[:]
        return min(done / total, 1.0) if total else 0.0

    def close(self) -> None:
        """Ends the processes."""
        with self._lock:
            for pool in self._pools.values():
                processes = list((pool._processes or {}).values())
                pool.shutdown(wait=False, cancel_futures=True)
                for process in processes:
                    process.terminate()

    def _ask(self, name: Key, function: Function, *arguments: Any, again_s: float = _AGAIN_S) -> _Question | Busy:
        with self._lock:
            asked = self._asked[function.__name__]
            known = asked.get(name)
            if known is not None and not self._stale(known, again_s):
                asked.move_to_end(name)
                return known
            if self.full(function):
                return Busy()
            question = asked[name] = _Question(self._submit(function, *arguments), next(self._numbers))
            asked.move_to_end(name)
            for old in [key for key, one in asked.items() if one.future.done()][: max(len(asked) - _KEPT, 0)]:
                del asked[old]
        question.future.add_done_callback(lambda _: self._ended(question))
        return question

    def _stale(self, question: _Question, again_s: float) -> bool:
        return question.failed_at is not None and self._clock() >= question.failed_at + again_s

    def _ended(self, question: _Question) -> None:
        if question.future.cancelled() or question.future.exception() is not None:
            question.failed_at = self._clock()
        self._changed()

    def _submit(self, function: Function, *arguments: Any) -> Future[Any]:
        long = function.__name__ in _LONG
        for _ in range(2):
            pool = self._pools[long] = self._pools.get(long) or self._started()
            try:
                return pool.submit(function, *arguments)
            except BrokenProcessPool:  # it ended before this question came: another one is started
                del self._pools[long]
        failed: Future[Any] = Future()
        failed.set_exception(BrokenProcessPool("it ends as soon as it is started"))
        return failed

    def _started(self) -> ProcessPoolExecutor:
        config = self._config
        given = config.deployment.model_dump_json(), config.data, config.own, config.states, self._stage
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(1, mp_context=context, initializer=tools.prepare, initargs=given)


def _result(future: Future[Any]) -> Any | Failed:
    error = None if future.cancelled() else future.exception()
    if error is None and not future.cancelled():
        return future.result()
    if isinstance(error, PolError):
        return Failed(str(error))
    log.error("the workshop failed", reason=repr(error))
    return Failed("the process that works it out failed; try again in a moment")
