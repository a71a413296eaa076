"""How long a long chain takes to be indexed and shown, and the memory for it."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from pol_oracle.l1.events.typed import BlockProposed
from pol_oracle.protocol.errors import ChainError

from ..format import Row
from ..timing import seconds
from . import forest
from .site import ServedForest, running

INDEX_BAR_S, PAGE_BAR_S, MEMORY_BAR_MB = 10.0, 0.1, 300.0
PROPOSAL_S, EVENT_S = 25e-6, 9e-6  # to read a proposal, or another event, out of a log: the forest has none
RUNS = 8
PACKED = {"Accept-Encoding": "gzip"}
BUSY = f"/account/{forest.VERIFIERS[0]}"  # it has attested to every block
PAGES = ("/", "/tree", "/api/tree", "/blocks", "/disputes", "/accounts", BUSY, f"{BUSY}/verifier-free", "/search?q=7")


def index(scratch: Path) -> Iterator[Row]:
    """The index of 10,000 blocks with 500 forks, with what reading their logs would take."""
    events = list(forest.grow())
    proposals = sum(isinstance(event, BlockProposed) for event in events)
    read = PROPOSAL_S * proposals + EVENT_S * (len(events) - proposals)
    gc.freeze()  # a monitor brings them piece by piece: no collection would go through all of them
    taken = seconds(lambda: forest.fill(scratch / "index.sqlite", events).close())
    gc.unfreeze()
    yield Row("index.10000_blocks", taken + read, "s", bar=INDEX_BAR_S)
    yield Row("index.events", len(events), "events")


def pages(scratch: Path) -> Iterator[Row]:
    """Each kind of page when it is first asked for, and after each change of the chain; then the memory.

    The fastest of a few counts: the others are what else the machine does.
    """
    with running(scratch) as site:
        for path in PAGES:
            first = fetch(site.url + path)
            yield Row(f"pages{_name(path)}.first", first, "s")
            before = site.cpu_s
            yield Row(f"pages{_name(path)}", min(_changed(site, path) for _ in range(RUNS)), "s", bar=PAGE_BAR_S)
            yield Row(f"pages{_name(path)}.cpu", (site.cpu_s - before) / RUNS, "s")
        yield Row("pages.memory", site.memory_mb, "MB", bar=MEMORY_BAR_MB)


def _changed(site: ServedForest, path: str) -> float:
    site.grow()
    return fetch(site.url + path)


def fetch(url: str) -> float:
    """Returns how long an address takes to answer, in seconds."""
    where, began = urlsplit(url), time.perf_counter()
    connection = HTTPConnection(where.netloc, timeout=30)
    connection.request("GET", where.path + ("?" + where.query if where.query else ""), headers=PACKED)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status not in (200, 303):
        raise ChainError(f"the explorer answers {answer.status} to {where.path}")
    return time.perf_counter() - began


def _name(path: str) -> str:
    """A page's name in a row's: of an account or a search without whose or what."""
    words = path.split("?")[0].strip("/").split("/")
    return "." + "_".join(word for word in words if not word.startswith("0x")) if words[0] else ".home"
