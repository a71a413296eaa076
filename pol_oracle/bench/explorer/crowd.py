"""What a crowd costs others: 100 clients that keep up, beside an agent's replay; 1,000 connections that say nothing."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import create_connection
from statistics import median
from urllib.parse import urlsplit

import numpy as np

from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper

from ..format import Row
from .pages import fetch
from .site import ServedForest, running

CLIENTS, IDLE = 100, 1_000
SLOWED_BAR, ANSWER_BAR_S, LIVE_BAR_S = 5.0, 1.0, 1.0
ROUNDS, WINDOW_S, TICK_S = 6, 4.0, 1.0


def crowd(scratch: Path) -> Iterator[Row]:
    """What 100 clients cost that keep up with a chain that grows every second.

    What an agent loses to the explorer is the explorer's share of all cores at most. How much slower it really is holds
    only for clients on the same machine, which take more than the explorer does.
    """
    with running(scratch) as site:
        replay = _Replay()
        replay.steps(WINDOW_S)  # warms up
        quiet, busy, waits, share = [], [], list[float](), list[float]()
        for _ in range(ROUNDS):  # in turns, so that a noisy machine disturbs both alike
            with _growing(site):
                quiet.append(replay.steps(WINDOW_S))
            with _clients(site) as told, _growing(site):
                before = site.cpu_s
                busy.append(replay.steps(WINDOW_S))
                share.append(100 * (site.cpu_s - before) / WINDOW_S)
            waits += told
        slowed = 100 * (1 - median(b / q for b, q in zip(busy, quiet, strict=True)))
        yield Row("crowd.agent_slowed_with_clients_here", max(slowed, 0.0), "%")
        yield Row("crowd.explorer_cpu", median(share) / (os.cpu_count() or 1), "% of all cores", bar=SLOWED_BAR)
        yield Row("crowd.page", median(waits or [0.0]), "s", bar=LIVE_BAR_S)
        yield Row("crowd.pages_read", len(waits) / ROUNDS / WINDOW_S, "1/s")
        yield Row("crowd.memory", site.memory_mb, "MB", bar=300.0)


def idle(scratch: Path) -> Iterator[Row]:
    """How long a page takes while 1,000 connections are open that ask for nothing."""
    with running(scratch) as site, ExitStack() as stack:
        where = urlsplit(site.url)
        yield Row("idle.alone", fetch(site.url + "/blocks"), "s")
        for number in range(IDLE):
            connection = stack.enter_context(create_connection((where.hostname or "", where.port or 0), timeout=10))
            if number % 2:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")  # half a question
        took = [fetch(f"{site.url}/blocks?before={number}") for number in range(2, 12)]
        yield Row("idle.beside_1000", max(took), "s", bar=ANSWER_BAR_S)


class _Replay:
    """An agent's work: canonical steps of the devnet's network, one after the other, on one thread."""

    def __init__(self) -> None:
        model, dice = build_model("cnn"), np.random.default_rng(1)
        self._stepper, self._state = Stepper(model, 4, 0x3A83126F, 1), State.initial(model, 1)
        self._images = dice.integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)
        self._labels = np.arange(4, dtype=np.uint8)

    def steps(self, seconds: float) -> float:
        """Steps a second, over so many seconds."""
        count, began = 0, time.perf_counter()
        while (taken := time.perf_counter() - began) < seconds:
            self._stepper.run(self._state, self._images, self._labels)
            count += 1
        return count / taken


@contextmanager
def _growing(site: ServedForest) -> Iterator[None]:
    ended = threading.Event()

    def grow() -> None:
        while not ended.wait(TICK_S):
            site.grow()

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def _clients(site: ServedForest) -> Iterator[list[float]]:
    """Clients in a process of their own; the list has, in the end, the seconds from each news to the page with it."""
    command, told = [sys.executable, "-m", "pol_oracle.bench.explorer.crowd", site.url, str(CLIENTS)], list[float]()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # all are connected
    yield told
    told += json.loads(process.communicate("\n")[0])


async def _watch(url: str, waits: list[float], connected: asyncio.Semaphore) -> None:
    """As ``static/live.js``: one stream, and the page again when something has changed."""
    where, version = urlsplit(url), None
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(f"GET /live HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode())
    connected.release()
    try:
        while line := await reader.readline():
            if not line.startswith(b"data:"):
                continue
            told = json.loads(line[5:])["version"]
            if version not in (None, told):
                began = time.perf_counter()
                await _page(where.hostname or "", where.port or 0)
                waits.append(time.perf_counter() - began)
            version = told
    finally:
        writer.close()


async def _page(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nAccept-Encoding: gzip\r\n\r\n".encode())
    await reader.read()
    writer.close()


async def _watch_all(url: str, clients: int) -> list[float]:
    waits, connected = list[float](), asyncio.Semaphore(0)
    tasks = [asyncio.create_task(_watch(url, waits, connected)) for _ in range(clients)]
    for _ in tasks:
        await connected.acquire()
    sys.stdout.write("\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return waits


if __name__ == "__main__":
    os.nice(10)  # they would be on other machines
    sys.stdout.write(json.dumps(asyncio.run(_watch_all(sys.argv[1], int(sys.argv[2])))))
