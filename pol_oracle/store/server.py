"""A folder of states and headers over HTTP, read-only. It serves them by name and nothing else: no listing."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from pol_oracle.protocol.errors import InputError

from .states import FILE_NAME

_MAX_CONNECTIONS = 256
_REQUEST_S = 10.0  # until a connection has asked for something
_ANSWER_S = 900.0  # until it has read the answer


def application(folder: Path) -> Starlette:
    """Returns the ASGI application behind :func:`serve`."""

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        path = folder / name
        # The pattern admits no separator and no dot but its own; a link could still lead out of the folder.
        if not FILE_NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
            return PlainTextResponse("no such file\n", status_code=404)
        return FileResponse(path, media_type="application/octet-stream")

    return Starlette(routes=[Route("/{name}", file, methods=["GET"])])


class Impatient(H11Protocol):
    """A connection for one request, which is closed when it takes too long."""

    request_s, answer_s = _REQUEST_S, _ANSWER_S

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See the base class."""
        super().connection_made(transport)  # type: ignore[arg-type]
        waits = ((self.request_s, False), (self.answer_s, True))
        self._timers = [self.loop.call_later(seconds, self._give_up, asked) for seconds, asked in waits]

    def connection_lost(self, exc: Exception | None) -> None:
        """See the base class."""
        super().connection_lost(exc)
        for timer in self._timers:
            timer.cancel()

    def _give_up(self, asked: bool) -> None:
        if asked or self.cycle is None:
            self.transport.abort()


def configuration(folder: Path) -> uvicorn.Config:
    """Returns the server behind :func:`serve`."""
    return uvicorn.Config(
        application(folder),
        http=Impatient,
        ws="none",
        headers=[("connection", "close")],
        log_level="warning",
        limit_concurrency=_MAX_CONNECTIONS,
        server_header=False,
    )


def serve(folder: Path, host: str = "127.0.0.1", port: int = 8547, ready: Callable[[str], None] | None = None) -> None:
    """Serves a folder's states and headers until interrupted.

    Args:
        folder: where they lie; files that appear later are served too.
        host: address to listen on.
        port: TCP port; 0 takes any free one.
        ready: told the URL once the port is bound.

    Raises:
        InputError: the folder does not exist, or the port cannot be bound.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder} to serve; create it or let a miner write to it first")
    config = configuration(folder)
    with bound(host, port) as listener:
        if ready:
            shown = f"[{host}]" if ":" in host else host
            ready(f"http://{shown}:{listener.getsockname()[1]}")
        with suppress(KeyboardInterrupt):  # Ctrl-C is how it ends
            uvicorn.Server(config).run(sockets=[listener])


def bound(host: str, port: int) -> socket.socket:
    """Listens on a TCP port.

    Args:
        host: address to listen on.
        port: 0 takes any free one.

    Raises:
        InputError: it is taken, or not for us.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InputError(f"port {port} is not free; choose another with --port") from error
        if error.errno == errno.EACCES:
            raise InputError(f"no permission to listen on port {port}; choose one above 1023 with --port") from error
        raise InputError(f"cannot listen on {host} ({error.strerror}); choose an address with --host") from error
