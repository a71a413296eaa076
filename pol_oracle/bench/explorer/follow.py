"""How soon a page has what L1 has just taken in: a real L1, a real explorer, one that watches."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from threading import Thread
from urllib.parse import urlsplit

from pol_oracle.explorer.web.serve import ExplorerConfig, assemble
from pol_oracle.fixtures.l1 import running
from pol_oracle.store.server import bound

from ..format import Row
from .pages import fetch

LIVE_BAR_S = 1.0
BLOCKS = 10


def live(scratch: Path) -> Iterator[Row]:
    """Seconds from an L1 block with a block of ours to the front page that has it, told by the stream."""
    with running(scratch / "l1") as l1, bound("127.0.0.1", 0) as listener:
        l1.bond()
        deployment = l1.client.deployment
        assert deployment is not None
        own, index = scratch / "own", scratch / "index.sqlite"
        site = assemble(ExplorerConfig(deployment, deployment.rpc, index, scratch, own, ()))
        server = site.server()
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with site:
            told = _told(url)
            while not site.keeper.state.ready:
                next(told)
            took, tip = [], l1.client.finalized_tip()
            for number in range(BLOCKS):
                tip, _ = l1.propose(l1.header(tip, number))
                began, block = time.perf_counter(), l1.client.latest().number
                while next(told)["l1_block"] < block:
                    pass
                fetch(url + "/")
                took.append(time.perf_counter() - began)
        server.should_exit = True
        thread.join(10)
    yield Row("live.median", median(took), "s", bar=LIVE_BAR_S)
    yield Row("live.longest", max(took), "s", bar=LIVE_BAR_S)


def _told(url: str) -> Iterator[dict[str, int]]:
    """What the stream says, line by line."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("GET", "/live")
    for line in connection.getresponse():
        if line.startswith(b"data:"):
            yield json.loads(line[5:])
