"""What is kept of answers: what many ask for at once is made once, and only so much is made, or waits, at a time."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from ..keeper import IndexState

MOST_BYTES = 32 << 20  # of kept answers
MOST_MADE = 4  # at a time: what makes them shares one interpreter
MOST_WAITING = 64  # to be made
RETRY_S = 2
_WORTH_PACKING, _LEVEL = 1000, 2  # of higher levels numbers do not get smaller, and take three times as long
_LEAST_SIZE = 2000  # of an answer that says nothing, with its key
Key = tuple[str, ...]
Make = Callable[[Request], Response]
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
Value = TypeVar("Value")


class TooMuch(Exception):
    """More is asked for at once than is worth to be begun: ask again later."""


@dataclass(frozen=True)
class _Answer:
    """An answer, as it was made."""

    body: bytes
    packed: bytes | None
    status: int
    headers: dict[str, str]

    def to(self, request: Request) -> Response:
        """A new response: what adds to it changes its headers."""
        if self.packed is None or "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.body, self.status, self.headers)
        headers = self.headers | {"content-encoding": "gzip", "content-length": str(len(self.packed))}
        return Response(self.packed, self.status, headers)

    @property
    def size(self) -> int:
        return _LEAST_SIZE + len(self.body) + len(self.packed or b"")


class Answers:
    """Lives in the server's event loop.

    Args:
        state: where the index stands: with it answers change.
    """

    def __init__(self, state: Callable[[], IndexState]) -> None:
        self._state = state
        self._of: tuple[object, ...] = ()
        self._kept: OrderedDict[Key, _Answer] = OrderedDict()
        self._size = 0
        self._made: dict[tuple[object, ...], asyncio.Task[_Answer]] = {}
        self._limit = anyio.CapacityLimiter(MOST_MADE)
        self._aside = 0

    def shared(self, make: Make, key: Callable[[Request], Key]) -> Endpoint:
        """Returns an endpoint.

        Args:
            make: makes an answer, in a thread.
            key: of a request: whatever ``make`` looks at, and nothing else.
        """

        async def endpoint(request: Request) -> Response:
            state, about = self._state(), key(request)
            of = state.version, state.l1_block, state.trouble
            if of != self._of:
                self._of, self._size = of, 0
                self._kept.clear()
            found = self._kept.get(about) or await self._single(of, about, make, request)
            return found.to(request)

        return endpoint

    async def aside(self, work: Callable[..., Value], *arguments: Any) -> Value:
        """Runs what gives no answer to keep in a thread, within the same bounds.

        Raises:
            TooMuch: too much waits already.
        """
        self._refuse_too_much()
        self._aside += 1
        try:
            return await anyio.to_thread.run_sync(work, *arguments, limiter=self._limit)
        finally:
            self._aside -= 1

    def _refuse_too_much(self) -> None:
        if len(self._made) + self._aside >= MOST_WAITING:
            raise TooMuch

    async def _single(self, of: tuple[object, ...], about: Key, make: Make, request: Request) -> _Answer:
        name = of, about
        task = self._made.get(name)
        if task is None:
            self._refuse_too_much()
            task = self._made[name] = asyncio.create_task(self._make(of, about, make, request))
            task.add_done_callback(lambda done: self._ended(name, done))
        return await asyncio.shield(task)  # others wait for it, too

    async def _make(self, of: tuple[object, ...], about: Key, make: Make, request: Request) -> _Answer:
        answer = await anyio.to_thread.run_sync(_made, make, request, limiter=self._limit)
        if of == self._of:
            self._kept[about] = answer
            self._size += answer.size
            while self._size > MOST_BYTES:
                self._size -= self._kept.popitem(last=False)[1].size
        return answer

    def _ended(self, name: tuple[object, ...], task: asyncio.Task[_Answer]) -> None:
        del self._made[name]
        if not task.cancelled():
            task.exception()  # looked at here, for nobody may wait any more


def _made(make: Make, request: Request) -> _Answer:
    made = make(request)
    made.headers["cache-control"] = "no-cache"
    body = bytes(made.body)
    packed = None
    if len(body) >= _WORTH_PACKING:
        packed = gzip.compress(body, _LEVEL, mtime=0)
        made.headers["vary"] = "Accept-Encoding"
    return _Answer(body, packed, made.status_code, dict(made.headers))
