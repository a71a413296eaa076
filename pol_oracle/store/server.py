"""A folder of states over HTTP, read-only. It serves states by name and nothing else: no listing, no other file."""

from __future__ import annotations

import re
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from pol_oracle.protocol.errors import InputError

_NAME = re.compile(r"[0-9a-f]{64}\.f32")
_MAX_CONNECTIONS = 256
_KEEP_ALIVE_S = 5


def application(folder: Path) -> Starlette:
    """Returns the ASGI application behind :func:`serve`."""

    async def state(request: Request) -> Response:
        name = request.path_params["name"]
        path = folder / name
        # The pattern admits no separator and no dot but its own; a link could still lead out of the folder.
        if not _NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
            return PlainTextResponse("no such state\n", status_code=404)
        return FileResponse(path, media_type="application/octet-stream")

    return Starlette(routes=[Route("/{name}", state, methods=["GET"])])


def serve(folder: Path, host: str = "127.0.0.1", port: int = 8547) -> None:
    """Serves a folder's states until interrupted.

    Args:
        folder: where the states lie; files that appear later are served too.
        host: address to listen on.
        port: TCP port.

    Raises:
        InputError: the folder does not exist.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder} to serve; create it or let a miner write to it first")
    uvicorn.run(
        application(folder),
        host=host,
        port=port,
        log_level="warning",
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_S,
        server_header=False,
    )
