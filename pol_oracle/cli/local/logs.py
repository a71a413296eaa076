"""``pol logs``: what agents of this home folder wrote down."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from pol_oracle.protocol.errors import InputError

from .. import output
from ..options import Json
from ..settings import Settings

PAUSE_S = 0.5  # between two looks at a file that is followed


def logs(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which agent. (default: the only one there is)")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the newest entries; 0 for all.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new entries until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Show an agent's log, newest last. A full log (16 MiB) becomes NAME.log.1, in place of the one before it."""
    settings: Settings = ctx.obj
    path = _file(settings.agents, name)
    older = path.with_name(f"{path.name}.1")
    kept = [line for file in (older, path) if file.exists() for line in file.read_text("utf-8", "replace").splitlines()]
    for line in deque(kept, lines or None):
        _print(line, json)
    with suppress(KeyboardInterrupt):
        for line in _new(path) if follow else ():
            _print(line, json)


def _file(folder: Path, name: str | None) -> Path:
    """The log of an agent.

    Raises:
        InputError: there is none of that name, or there are several to choose from.
    """
    there = sorted(path.stem for path in folder.glob("*.log"))
    if not there:
        raise InputError(f"no agent has logged anything in {folder}: start one, or name its home folder with --home")
    if name is None and len(there) > 1:
        raise InputError(f"there are several agents here: name one of {', '.join(there)}")
    if name is not None and name not in there:
        raise InputError(f"there is no log of an agent {name!r} in {folder}: there are {', '.join(there)}")
    return folder / f"{name or there[0]}.log"


def _new(path: Path) -> Iterator[str]:
    """Yields lines as they are appended to a file, and goes on with the next one when it is full."""
    file, rest = path.open(encoding="utf-8", errors="replace"), ""
    file.seek(0, 2)
    while True:
        rest += (text := file.read())
        *whole, rest = rest.split("\n")
        yield from whole
        if not text:
            with suppress(FileNotFoundError):
                if path.stat().st_ino != _inode(file.fileno()):
                    file.close()
                    file = path.open(encoding="utf-8", errors="replace")
                    continue
            time.sleep(PAUSE_S)


def _inode(descriptor: int) -> int:
    import os

    return os.fstat(descriptor).st_ino


def _print(line: str, json: bool) -> None:
    import json as codec

    from pol_oracle.agents.monitoring.logs import as_text

    try:
        entry: dict[str, Any] = codec.loads(line)
        text = as_text(entry)
    except (ValueError, KeyError, TypeError):  # a line of something else
        entry, text = {"event": line}, line
    output.emit_line(entry, json, text)
