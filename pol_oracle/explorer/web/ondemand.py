"""What is worked out when somebody asks for it: pictures, and replays."""

from __future__ import annotations

import re
from ipaddress import ip_address

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ..facts.block import question
from ..facts.book import Book
from ..facts.common import hex0x
from ..facts.learning import at_hand
from ..workshop import tools
from ..workshop.pool import Busy, Failed
from .answers import Answers, TooMuch
from .asked import Missing, block_of

_HASH = re.compile(r"(0x)?[0-9a-f]{64}")
_INDEX = re.compile(r"[0-9]{1,9}")


class OnDemand:
    """Asks the workshop.

    Args:
        book: of the chain.
        answers: bounds what is prepared at a time.
    """

    def __init__(self, book: Book, answers: Answers) -> None:
        self._book, self._answers = book, answers

    def routes(self) -> list[Route]:
        """Returns where it answers."""
        return [
            Route("/sample/{half}/{index}.png", self._sample),
            Route("/filters/{root}.png", self._filters),
            Route("/block/{id}/replay", self._replay, methods=["POST"]),
        ]

    async def _sample(self, request: Request) -> Response:
        half, index = request.path_params["half"], request.path_params["index"]
        if half not in tools.HALVES:
            raise Missing("no such half of the data set: there are train and test")
        if not _INDEX.fullmatch(index):
            raise Missing("no sample of that number")
        return self._png(await self._book.workshop.wait(tools.picture, half, int(index)))

    async def _filters(self, request: Request) -> Response:
        text = request.path_params["root"].lower()
        root = bytes.fromhex(text.removeprefix("0x")) if _HASH.fullmatch(text) else b""
        if not self._book.workshop.begun((root,), tools.filters)[0]:
            known = await self._answers.aside(at_hand, self._book)
            if known is None:
                raise TooMuch
            if isinstance(known, Failed) or root not in known:  # it would be looked for in every store
                raise Missing("no state of that root at hand")
        return self._png(await self._book.workshop.wait(tools.filters, root))

    def _png(self, found: bytes | Failed) -> Response:
        if isinstance(found, Busy):
            raise TooMuch
        if isinstance(found, Failed):
            raise Missing(f"no picture: {found.words}")
        return Response(found, media_type="image/png", headers={"cache-control": "public, max-age=86400"})

    async def _replay(self, request: Request) -> Response:
        """Begins a replay; only this site's own pages may."""
        if not _from_here(request):
            raise HTTPException(403, "Replays are begun on this site's own pages.")
        block_id = await self._answers.aside(self._begin, request.path_params["id"])
        return RedirectResponse(f"/block/{hex0x(block_id)}#h-required", 303)

    def _begin(self, text: str) -> bytes:
        with self._book.moment():
            row, workshop = block_of(self._book, text), self._book.workshop
            if not workshop.begun((row.id,), tools.replayed)[0] and workshop.full(tools.replayed):
                raise TooMuch  # before its lineage is gathered, which takes a moment
            asked = question(self._book, row, self._book.reader.header(row.id))
        if workshop.begin((row.id,), tools.replayed, *asked) is not None:
            raise TooMuch
        return row.id


def _from_here(request: Request) -> bool:
    """Says whether a form was sent by this site's own page.

    No other has its origin; and a name that somebody else may make to point here is none of its own.
    """
    url = request.url
    try:
        local = url.hostname == "localhost" or bool(ip_address(url.hostname or ""))
    except ValueError:
        local = False
    return local and request.headers.get("origin") == f"{url.scheme}://{url.netloc}"
