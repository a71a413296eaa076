"""HTTP servers that do not play by the rules, each on a port of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

Behaviour = Callable[[socket.socket], object]


def serving(app: Starlette) -> AbstractContextManager[str]:
    """Runs an ASGI application on a free port; yields its URL."""
    return running(uvicorn.Config(app, log_level="error"))


@contextmanager
def running(config: uvicorn.Config) -> Iterator[str]:
    """Runs a server on a free port; yields its URL."""
    config.port, config.timeout_graceful_shutdown = 0, 1
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def misbehaving(behaviour: Behaviour, heard: list[bytes] | None = None) -> Iterator[str]:
    """Answers every connection, after reading its request, as ``behaviour`` says; yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                said = connection.recv(65536)
                if heard is not None:
                    heard.append(said)
                behaviour(connection)
            except OSError:
                return  # the client hung up, as it should

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def hearing(requests: list[bytes]) -> AbstractContextManager[str]:
    """Writes down every request and hangs up; yields the URL."""
    return misbehaving(lambda connection: None, requests)


def connections_to(url: str) -> int:
    """Returns how many descriptors this process holds that are its ends of connections to a server."""
    port = int(url.rpartition(":")[2])
    rows = [row.split() for row in Path("/proc/self/net/tcp").read_text("ascii").splitlines()[1:]]
    theirs = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(f":{port:04X}")}
    held = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            held += str(descriptor.readlink()) in theirs
        except FileNotFoundError:  # another thread has closed it
            continue
    return held


def request(url: str, target: str) -> bytes:
    """Sends one raw GET, so that no client tidies up the path; returns the whole answer."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)
