"""Routes. A page is a function from the book to facts, a template for them, and JSON of the same at ``/api``."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from eth_utils.address import to_checksum_address
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pol_oracle.l1.events.typed import BlockProposed

from ..facts import account as accounts
from ..facts import block as blocks
from ..facts import dispute as disputes
from ..facts import search as finding
from ..facts.book import Book
from ..facts.common import BlockSummary, PageFacts, hex0x
from ..facts.findings import LearningFacts, ModelFacts
from ..facts.home import HomeFacts, home
from ..facts.learning import at_hand, learning
from ..facts.network import TaskFacts, network
from ..facts.tree import TreeFacts, tree
from ..index.rows import IndexedBlock
from ..workshop import tools
from ..workshop.pool import Busy, Failed
from .answers import RETRY_S, Answers, TooMuch
from .charts import draw_curve, draw_figure, draw_tree
from .feeds import KINDS, feed
from .guard import Guard
from .live import Live
from .metrics import exposition
from .openapi import Endpoint, describe
from .render import STATIC, Renderer

PAGE = 50  # blocks of a list
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HASH = re.compile(r"(0x)?[0-9a-f]{64}")
_PREFIX = re.compile(r"(0x)?[0-9a-f]{4,64}")
Values = dict[str, Any]


class Missing(Exception):
    """There is no such thing on this chain; the text says what was looked for."""


class BlockList(PageFacts):
    """Blocks, newest first; ``before`` asks for older ones."""

    blocks: list[BlockSummary]
    before: int | None


@dataclass(frozen=True)
class Page:
    """A page: where it is, what it is, how its facts are made and shown.

    Attributes:
        path: with ``{parameters}``.
        words: what it is.
        model: of its facts.
        make: from parameters (of path and query) to facts.
        template: that shows them.
        beside: what the template needs besides.
        query: parameters after the question mark.
    """

    path: str
    words: str
    model: type[BaseModel]
    make: Callable[[dict[str, str]], BaseModel]
    template: str
    beside: Callable[[Any], Values] = lambda facts: {}
    query: tuple[str, ...] = ()


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


class Explorer:
    """All that answers.

    Args:
        book: what pages are made from.
        live: the stream.
    """

    def __init__(self, book: Book, live: Live) -> None:
        self._book, self._live = book, live
        self._renderer = Renderer(book)
        self._answers = Answers(lambda: book.state)

    def application(self) -> Starlette:
        """Returns the ASGI application."""
        pages = self._pages()
        endpoints = [Endpoint(p.path, p.words, p.model, p.query) for p in pages]
        description = describe(endpoints)
        routes = [route for page in pages for route in self._routes(page)]
        routes += [
            Route("/api/openapi.json", lambda _: JSONResponse(description)),
            Route("/feed/{kind}.atom", self._answers.shared(self._feed, lambda r: (r.url.netloc, r.url.path))),
            Route("/metrics", self._answers.shared(self._metrics, lambda r: (r.url.path,))),
            Route("/live", self._live.stream),
            Route("/sample/{half}/{index:int}.png", self._sample),
            Route("/filters/{root}.png", self._filters),
            Route("/block/{id}/replay", self._replay, methods=["POST"]),
            Route("/healthz", self._health),
        ]
        static = Mount("/static", StaticFiles(directory=STATIC))
        middleware = [Middleware(Guard), Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)]
        handlers = {
            Missing: self._missing,
            sqlite3.Error: self._rebuilding,
            TooMuch: self._too_much,
            404: self._missing,
        }
        return Starlette(routes=[*routes, static], middleware=middleware, exception_handlers=handlers)

    # --- pages ---

    def _pages(self) -> list[Page]:
        book = self._book
        return [
            Page("/", "How the chain stands", HomeFacts, lambda _: home(book), "home.html", self._home_beside),
            Page("/tree", "The whole tree", TreeFacts, lambda _: tree(book), "tree.html", self._tree_beside),
            Page("/blocks", "Blocks, newest first", BlockList, self._blocks, "blocks.html", query=("before",)),
            Page(
                "/block/{id}",
                "A block",
                blocks.BlockFacts,
                lambda p: blocks.block(book, self._row(p["id"])),
                "block.html",
                self._block_beside,
            ),
            Page("/disputes", "All disputes", disputes.DisputeList, lambda _: disputes.disputes(book), "disputes.html"),
            Page(
                "/dispute/{id}",
                "The dispute about a block",
                disputes.DisputeFacts,
                self._dispute,
                "dispute.html",
                self._model_beside,
            ),
            Page(
                "/accounts",
                "The leaderboard",
                accounts.Leaderboard,
                lambda _: accounts.leaderboard(book),
                "accounts.html",
            ),
            Page("/account/{address}", "An account", accounts.AccountFacts, self._account, "account.html"),
            Page("/learning", "What it has learned", LearningFacts, self._learning, "learning.html", query=("height",)),
            Page("/tx/{hash}", "A transaction of L1", finding.TransactionFacts, self._transaction, "tx.html"),
            Page(
                "/task",
                "Task, parameters, contracts",
                TaskFacts,
                lambda _: network(book),
                "task.html",
                self._model_beside,
            ),
            Page("/search", "Whatever was typed", finding.SearchResult, self._search, "search.html", query=("q",)),
        ]

    def _home_beside(self, facts: HomeFacts) -> Values:
        return {"figure": draw_figure(facts.figure), "tree": draw_tree(self._book.snapshot())}

    def _tree_beside(self, _: TreeFacts) -> Values:
        return {"tree": draw_tree(self._book.snapshot())}

    def _model_beside(self, _: Any) -> Values:
        found = self._book.workshop.answer(tools.model)
        return {"model": found if isinstance(found, ModelFacts) else None}

    def _block_beside(self, facts: blocks.BlockFacts) -> Values:
        losses = facts.replayed.losses if facts.replayed else []
        return {"curve": draw_curve(losses) if losses else ""}

    def _learning(self, parameters: dict[str, str]) -> LearningFacts:
        text = parameters.get("height", "")
        return learning(self._book, int(text) if text.isdecimal() and len(text) < 10 else None)

    def _blocks(self, parameters: dict[str, str]) -> BlockList:
        text = parameters.get("before", "")
        before = int(text) if text.isdecimal() and len(text) < 16 else None
        rows = self._book.reader.newest(PAGE, before)
        more = rows[-1].sequence if len(rows) == PAGE and rows[-1].sequence > 1 else None
        return BlockList(blocks=[self._book.summary(row) for row in rows], before=more)

    def _row(self, text: str) -> IndexedBlock:
        """The block that an address names by its id, or by the beginning of it."""
        low = text.lower()
        found = self._book.reader.with_prefix(low.removeprefix("0x"), 2) if _PREFIX.fullmatch(low) else []
        if len(found) != 1:
            raise Missing("no block of that id" if not found else "more than one block whose id begins so")
        return found[0]

    def _dispute(self, parameters: dict[str, str]) -> disputes.DisputeFacts:
        return disputes.dispute(self._book, self._row(parameters["id"]))

    def _account(self, parameters: dict[str, str]) -> accounts.AccountFacts:
        if not _ADDRESS.fullmatch(parameters["address"]):
            raise Missing("no address: one has 40 hex digits after 0x")
        return accounts.account(self._book, to_checksum_address(parameters["address"]))

    def _transaction(self, parameters: dict[str, str]) -> finding.TransactionFacts:
        text = parameters["hash"].lower()
        if not _HASH.fullmatch(text):
            raise Missing("no transaction: its hash has 64 hex digits")
        found = finding.transaction(self._book, bytes.fromhex(text.removeprefix("0x")))
        if not found.events:
            raise Missing("no transaction of this chain's contracts with that hash")
        return found

    def _search(self, parameters: dict[str, str]) -> finding.SearchResult:
        return finding.search(self._book, parameters.get("q", ""))

    # --- answers ---

    def _routes(self, page: Page) -> list[Route]:
        def shown(request: Request) -> Response:
            facts = page.make(_parameters(request, page.query))
            if isinstance(facts, finding.SearchResult) and facts.href:
                return RedirectResponse(facts.href, 303)
            text = self._renderer.page(
                page.template, facts=facts, path=page.path, label=self._book.label, **page.beside(facts)
            )
            return Response(text, media_type="text/html")

        def told(request: Request) -> Response:
            facts = page.make(_parameters(request, page.query))
            return Response(facts.model_dump_json(), media_type="application/json")

        def key(request: Request) -> tuple[str, ...]:
            return (request.url.path, *_parameters(request, page.query).values())

        api = "/api" + page.path if page.path != "/" else "/api/"
        return [Route(path, self._answers.shared(make, key)) for path, make in ((page.path, shown), (api, told))]

    def _feed(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in (*KINDS, "all"):
            raise Missing(f"no such feed: there are {', '.join((*KINDS, 'all'))}")
        base = f"{request.url.scheme}://{request.url.netloc}"
        return Response(feed(self._book, kind, base), media_type="application/atom+xml")

    def _metrics(self, _: Request) -> Response:
        return Response(exposition(self._book), media_type="text/plain; version=0.0.4")

    async def _sample(self, request: Request) -> Response:
        half, index = request.path_params["half"], request.path_params["index"]
        if half not in tools.HALVES:
            raise Missing("no such half of the data set: there are train and test")
        return self._png(await self._book.workshop.wait(tools.picture, half, index))

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
            return self._failed(request, 403, "Not from here", "Replays are begun on this site's own pages.")
        block_id = await self._answers.aside(self._begin, request.path_params["id"])
        return RedirectResponse(f"/block/{hex0x(block_id)}#h-required", 303)

    def _begin(self, text: str) -> bytes:
        row, workshop = self._row(text), self._book.workshop
        if not workshop.begun((row.id,), tools.replayed)[0] and workshop.full(tools.replayed):
            raise TooMuch  # before its lineage is gathered, which takes a moment
        events = self._book.reader.events_of_block(row.id, 1)
        header = next(event.header for event in events if isinstance(event, BlockProposed))
        if workshop.begin((row.id,), tools.replayed, *blocks.question(self._book, row, header)) is not None:
            raise TooMuch
        return row.id

    def _health(self, _: Request) -> Response:
        state = self._book.state
        fine = state.ready and not state.trouble
        return JSONResponse({"ready": fine, "trouble": state.trouble, "l1_block": state.l1_block}, 200 if fine else 503)

    async def _missing(self, request: Request, error: Exception) -> Response:
        what = str(error) if isinstance(error, Missing) else "no such page"
        return self._failed(request, 404, "Not found", f"There is {what}.")

    async def _rebuilding(self, request: Request, _: Exception) -> Response:
        what = "The index is being made anew from L1. This page will be back in a moment."
        return self._later(request, "One moment", what)

    async def _too_much(self, request: Request, _: Exception) -> Response:
        return self._later(request, "Too much at once", "More is asked for than can be worked out. Try again.")

    def _later(self, request: Request, title: str, words: str) -> Response:
        answer = self._failed(request, 503, title, words)
        answer.headers["retry-after"] = str(RETRY_S)
        return answer

    def _failed(self, request: Request, status: int, title: str, words: str) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": words}, status)
        return Response(
            self._renderer.page("failed.html", title=title, words=words, path=""), status, media_type="text/html"
        )


def _parameters(request: Request, query: tuple[str, ...]) -> dict[str, str]:
    return {**request.path_params, **{name: request.query_params.get(name, "")[:200] for name in query}}
