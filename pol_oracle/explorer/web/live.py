"""One stream of events for all that watch: where L1 is, and whether pages have changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from ..keeper import IndexState

MOST_STREAMS = 512
BEAT_S = 15.0  # between two signs of life


class Live:
    """Told by the keeper's thread, heard by streams in the server's."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()
        self._state = IndexState()
        self._ended = False

    def tell(self, state: IndexState) -> None:
        """There is something new; any thread may call this."""
        self._state = state
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def end(self) -> None:
        """Lets all streams end; called in the server's loop when it stops."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()

    async def stream(self, request: Request) -> Response:
        """Answers ``/live``."""
        if len(self._waiting) >= MOST_STREAMS:
            headers = {"retry-after": "30"}
            return PlainTextResponse("too many watch already; the pages work without\n", 503, headers)
        self._loop = asyncio.get_running_loop()
        return StreamingResponse(self._told(), media_type="text/event-stream", headers={"cache-control": "no-store"})

    async def _told(self) -> AsyncIterator[str]:
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while not self._ended:
                yield f"data: {_line(self._state)}\n\n"
                event.clear()
                while not event.is_set():
                    try:
                        await asyncio.wait_for(event.wait(), BEAT_S)
                    except TimeoutError:
                        yield ": still here\n\n"
        finally:
            self._waiting.discard(event)


def _line(state: IndexState) -> str:
    told = {"version": state.version, "l1_block": state.l1_block, "now": state.now, "trouble": state.trouble}
    return json.dumps(told)
