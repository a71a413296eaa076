"""What many ask for at once is made once, and only so much is made or waits at a time."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from pol_oracle.explorer.keeper import IndexState
from pol_oracle.explorer.web import answers as module
from pol_oracle.explorer.web.answers import Answers, TooMuch
from tests.explorer.conftest import Site

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class Kitchen:
    """Makes an answer when it is let, and counts."""

    def __init__(self) -> None:
        self.made, self.let, self.text = list[str](), threading.Event(), "x" * 5000
        self.state = IndexState(version=1)
        self.answers = Answers(lambda: self.state)
        self.endpoint: Endpoint = self.answers.shared(self._make, lambda r: (r.url.path,))

    def _make(self, request: Request) -> Response:
        assert self.let.wait(30)
        self.made.append(request.url.path)
        return Response(self.text)


def asks(path: str, **headers: str) -> Request:
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": told})


def test_the_same_is_made_once_for_all_that_ask_until_something_changes() -> None:
    kitchen = Kitchen()

    async def ask() -> None:
        waiting = [asyncio.create_task(kitchen.endpoint(asks("/a"))) for _ in range(20)]
        await asyncio.sleep(0)
        waiting[0].cancel()  # whoever asked first goes away
        kitchen.let.set()
        assert len(await asyncio.gather(*waiting, return_exceptions=True)) == 20
        await kitchen.endpoint(asks("/a"))
        assert kitchen.made == ["/a"]
        kitchen.state = replace(kitchen.state, version=2)
        await kitchen.endpoint(asks("/a"))
        assert kitchen.made == ["/a", "/a"]

    asyncio.run(ask())


def test_more_than_can_be_made_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 10)
    kitchen = Kitchen()

    async def ask() -> None:
        waiting = [asyncio.create_task(kitchen.endpoint(asks(f"/{n}"))) for n in range(30)]
        await asyncio.sleep(0)
        kitchen.let.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert sum(isinstance(one, TooMuch) for one in found) == 20
        assert len(kitchen.made) == 10

    asyncio.run(ask())


def test_answers_are_packed_once_for_those_who_can_unpack_them() -> None:
    kitchen = Kitchen()
    kitchen.let.set()

    async def ask() -> None:
        plain = await kitchen.endpoint(asks("/a"))
        packed = await kitchen.endpoint(asks("/a", accept_encoding="gzip, br"))
        assert gzip.decompress(bytes(packed.body)) == plain.body == b"x" * 5000
        assert (packed.headers["content-encoding"], packed.headers["content-length"]) == ("gzip", str(len(packed.body)))
        assert "content-encoding" not in plain.headers

    asyncio.run(ask())


@pytest.mark.parametrize("text", ["x" * 5000, ""], ids=["long", "empty"])
def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 20_000)
    kitchen = Kitchen()
    kitchen.text = text
    kitchen.let.set()

    async def ask() -> None:
        for number in range(50):
            await kitchen.endpoint(asks(f"/{number}"))
        assert 0 < len(kitchen.answers._kept) <= 10

    asyncio.run(ask())


def test_whoever_asks_too_much_is_told_when_to_come_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.get("/accounts")
    monkeypatch.setattr(module, "MOST_WAITING", 0)
    for path in ("/blocks?before=3", "/api/blocks?before=3", "/filters/" + "ab" * 32 + ".png"):
        status, headers, _ = site.get(path)
        assert (status, headers["retry-after"]) == (503, "2"), path


def test_what_no_page_asks_for_makes_no_answer_of_its_own(site: Site) -> None:
    made = site.get("/accounts?x=1")[2]
    assert site.get("/accounts?x=2")[2] == made


def test_filters_are_drawn_of_the_chains_own_states_alone(site: Site) -> None:
    deadline = threading.Event()
    while (said := site.get("/filters/" + "ab" * 32 + ".png"))[0] == 503:
        assert not deadline.wait(0.1)
    assert said[0] == 404
