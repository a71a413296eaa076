"""Routes. A page is a function from the book to facts, a template for them, and JSON of the same at ``/api``."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ..facts import account as accounts
from ..facts import block as blocks
from ..facts import dispute as disputes
from ..facts import search as finding
from ..facts.book import Book
from ..facts.common import BlockSummary, PageFacts
from ..facts.findings import LearningFacts, ModelFacts
from ..facts.home import HomeFacts, home
from ..facts.learning import learning
from ..facts.network import TaskFacts, network
from ..facts.tree import TreeFacts, tree
from ..index.numbers import Number
from ..workshop import tools
from .answers import RETRY_S, Answers, Endpoint, Make, TooMuch
from .asked import (
    NUMBER,
    PLACE,
    TEXT,
    Missing,
    Parameters,
    Wrong,
    address_of,
    block_of,
    check,
    number,
    parameters_of,
    place,
)
from .charts import draw_curve, draw_figure, draw_tree
from .feeds import KINDS, feed
from .guard import Guard
from .live import Live
from .metrics import exposition
from .ondemand import OnDemand
from .openapi import Described, describe
from .render import STATIC, Renderer

PAGE = 50  # blocks of a list
_HASH = re.compile(r"(0x)?[0-9a-f]{64}")
Values = dict[str, Any]


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
    query: Parameters = field(default_factory=dict)


class Explorer:
    """All that answers.

    Args:
        book: what pages are made from.
        live: the stream.
        doubt: told that the index could not be read.
    """

    def __init__(self, book: Book, live: Live, doubt: Callable[[], None] = lambda: None) -> None:
        self._book, self._live, self._doubt = book, live, doubt
        self._renderer = Renderer(book)
        self._answers = Answers(lambda: book.state)

    def application(self) -> Starlette:
        """Returns the ASGI application."""
        pages = self._pages()
        endpoints = [Described(p.path, p.words, p.model, p.query) for p in pages]
        description = describe(endpoints)
        routes = [route for page in pages for route in self._routes(page)]
        routes += [
            Route("/api/openapi.json", lambda _: JSONResponse(description)),
            Route("/feed/{kind}.atom", self._shared(self._feed, lambda r: (r.url.netloc, r.url.path))),
            Route("/metrics", self._shared(self._metrics, lambda r: (r.url.path,))),
            Route("/live", self._live.stream),
            *OnDemand(self._book, self._answers).routes(),
            Route("/healthz", self._health),
        ]
        static = Mount("/static", StaticFiles(directory=STATIC))
        middleware = [Middleware(Guard), Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)]
        handlers = {
            Missing: self._missing,
            Wrong: self._wrong,
            sqlite3.Error: self._rebuilding,
            TooMuch: self._too_much,
            403: self._forbidden,
            404: self._missing,
        }
        return Starlette(routes=[*routes, static], middleware=middleware, exception_handlers=handlers)

    # --- pages ---

    def _pages(self) -> list[Page]:
        book = self._book
        return [
            Page("/", "How the chain stands", HomeFacts, lambda _: home(book), "home.html", self._home_beside),
            Page("/tree", "The whole tree", TreeFacts, lambda _: tree(book), "tree.html", self._tree_beside),
            Page("/blocks", "Blocks, newest first", BlockList, self._blocks, "blocks.html", query={"before": NUMBER}),
            Page(
                "/block/{id}",
                "A block",
                blocks.BlockFacts,
                lambda p: blocks.block(book, block_of(book, p["id"])),
                "block.html",
                self._block_beside,
            ),
            Page(
                "/disputes",
                "All disputes",
                disputes.DisputeList,
                self._disputes,
                "disputes.html",
                query={"before": NUMBER},
            ),
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
                lambda p: accounts.leaderboard(book, number(p, "after") or 0),
                "accounts.html",
                query={"after": NUMBER},
            ),
            Page(
                "/account/{address}",
                "An account",
                accounts.AccountFacts,
                self._account,
                "account.html",
                query={"before": PLACE},
            ),
            Page(
                "/account/{address}/{number}",
                "What a number of an account is made of",
                accounts.NumberFacts,
                self._number,
                "number.html",
                query={"before": PLACE},
            ),
            Page(
                "/learning",
                "What it has learned",
                LearningFacts,
                self._learning,
                "learning.html",
                query={"height": NUMBER},
            ),
            Page("/tx/{hash}", "A transaction of L1", finding.TransactionFacts, self._transaction, "tx.html"),
            Page(
                "/task",
                "Task, parameters, contracts",
                TaskFacts,
                lambda _: network(book),
                "task.html",
                self._model_beside,
            ),
            Page("/search", "Whatever was typed", finding.SearchResult, self._search, "search.html", query={"q": TEXT}),
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
        return learning(self._book, number(parameters, "height"))

    def _blocks(self, parameters: dict[str, str]) -> BlockList:
        rows = self._book.reader.newest(PAGE, number(parameters, "before"))
        more = rows[-1].sequence if len(rows) == PAGE and rows[-1].sequence > 1 else None
        return BlockList(blocks=[self._book.summary(row) for row in rows], before=more)

    def _disputes(self, parameters: dict[str, str]) -> disputes.DisputeList:
        return disputes.disputes(self._book, number(parameters, "before"))

    def _dispute(self, parameters: dict[str, str]) -> disputes.DisputeFacts:
        return disputes.dispute(self._book, block_of(self._book, parameters["id"]))

    def _account(self, parameters: dict[str, str]) -> accounts.AccountFacts:
        return accounts.account(self._book, address_of(parameters["address"]), place(parameters, "before"))

    def _number(self, parameters: dict[str, str]) -> accounts.NumberFacts:
        address, name = address_of(parameters["address"]), parameters["number"]
        if name not in list(Number):
            raise Missing(f"no such number of an account: there are {', '.join(Number)}")
        return accounts.number_of(self._book, address, Number(name), place(parameters, "before"))

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
            facts = page.make(parameters_of(request, page.query))
            if isinstance(facts, finding.SearchResult) and facts.href:
                return RedirectResponse(facts.href, 303)
            text = self._renderer.page(
                page.template, facts=facts, path=page.path, label=self._book.label, **page.beside(facts)
            )
            return Response(text, media_type="text/html")

        def told(request: Request) -> Response:
            facts = page.make(parameters_of(request, page.query))
            return Response(facts.model_dump_json(), media_type="application/json")

        def key(request: Request) -> tuple[str, ...]:
            return (request.url.path, *parameters_of(request, page.query).values())

        answer = self._shared(told, key)

        async def asked(request: Request) -> Response:
            check(request, page.query)
            return await answer(request)

        api = "/api" + page.path if page.path != "/" else "/api/"
        return [Route(page.path, self._shared(shown, key)), Route(api, asked)]

    def _shared(self, make: Make, key: Callable[[Request], tuple[str, ...]]) -> Endpoint:
        def made(request: Request) -> Response:
            with self._book.moment():
                return make(request)

        return self._answers.shared(made, key)

    def _feed(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in (*KINDS, "all"):
            raise Missing(f"no such feed: there are {', '.join((*KINDS, 'all'))}")
        base = f"{request.url.scheme}://{request.url.netloc}"
        return Response(feed(self._book, kind, base), media_type="application/atom+xml")

    def _metrics(self, _: Request) -> Response:
        return Response(exposition(self._book), media_type="text/plain; version=0.0.4")

    def _health(self, _: Request) -> Response:
        state = self._book.state
        fine = state.ready and not state.trouble
        return JSONResponse({"ready": fine, "trouble": state.trouble, "l1_block": state.l1_block}, 200 if fine else 503)

    async def _missing(self, request: Request, error: Exception) -> Response:
        what = str(error) if isinstance(error, Missing) else "no such page"
        return self._failed(request, 404, "Not found", f"There is {what}.")

    async def _wrong(self, request: Request, error: Exception) -> Response:
        return self._failed(request, 400, "Not understood", str(error))

    async def _forbidden(self, request: Request, error: Exception) -> Response:
        return self._failed(request, 403, "Not from here", getattr(error, "detail", "That is not allowed."))

    async def _rebuilding(self, request: Request, _: Exception) -> Response:
        self._doubt()
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
