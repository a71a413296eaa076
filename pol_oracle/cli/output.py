"""Printing: one value, either as JSON on stdout or as text for people."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

import typer

from pol_oracle.protocol.text import ether

if TYPE_CHECKING:
    from rich.console import Console

VERSION = 1  # of the JSON; it grows when a key goes away or means something else
COMMAND: ContextVar[str] = ContextVar("command", default="")  # without ``pol``, such as "blocks list"
SHORT = 10  # hex digits of an id where there is no room for all; commands take them for the id
PIPE_WIDTH = 200  # columns where no terminal says how many there are
UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Closed(io.TextIOBase):
    """Standard output of a process that was started without one; Python has none at all then."""

    def write(self, text: str) -> int:
        """Refuses it.

        Raises:
            OSError: always.
        """
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def emit(data: Mapping[str, Any], as_json: bool, render: Callable[[], None]) -> None:
    """Prints ``data`` in its envelope as indented JSON, or calls ``render`` to print it for people."""
    if as_json:
        typer.echo(json.dumps(envelope(data), indent=2))
    else:
        render()


def emit_line(data: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Prints one record of a stream: one JSON object per line, or a line of text."""
    typer.echo(json.dumps(envelope(data)) if as_json else text)


def envelope(data: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what every JSON output is wrapped in; docs/json.md describes it."""
    return {"version": VERSION, "command": COMMAND.get(), "ok": True, "data": dict(data)}


def failure(kind: str, message: str, code: int) -> dict[str, Any]:
    """Returns the envelope of a command that failed.

    Args:
        kind: class of the error.
        message: the sentence that people get.
        code: exit code.
    """
    error = {"kind": kind, "message": message, "exit_code": code}
    return {"version": VERSION, "command": COMMAND.get(), "ok": False, "error": error}


def remark(text: str) -> None:
    """Prints a line on stderr, if anybody is there to read it."""
    with suppress(OSError):
        typer.echo(text, err=True)


@cache
def console() -> Console:
    """Returns what pictures are printed on: as wide as the terminal, without colour where NO_COLOR or a pipe say so."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False, soft_wrap=False)


def amount(wei: int) -> str:
    """Returns an amount of ETH or LEARN as an exact decimal, without trailing zeros."""
    return ether(wei)


def bits(value: float) -> str:
    """Returns a difficulty as people read it: a real number of bits."""
    return f"{round(value, 2):g} bits"


def share(part: int, whole: int) -> str:
    """Returns a count with its percentage, such as "2,912 of 4,096 (71.1 %)"."""
    return f"{part:,} of {whole:,} ({100 * part / whole:.1f} %)" if whole else f"{part:,}"


def hex0x(data: bytes) -> str:
    """Returns 0x-prefixed hex, as ``cast`` prints it."""
    return "0x" + data.hex()


def short(data: bytes | str) -> str:
    """Returns the first digits of an id, which commands take for the id."""
    return (data if isinstance(data, str) else hex0x(data))[: 2 + SHORT]


def clock(timestamp: int) -> str:
    """Returns an L1 time in the zone of this machine, such as "2026-11-29 07:12:03 CET"."""
    return time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(timestamp))


def span(seconds: float) -> str:
    """Returns a length of time in its two largest units, such as "2 min 5 s"."""
    left, parts = max(0, round(seconds)), list[str]()
    for size, unit in UNITS:
        if left >= size or (not parts and unit == "s"):
            parts.append(f"{left // size} {unit}")
            left %= size
        elif parts:
            break
    return " ".join(parts[:2])


def since(timestamp: int, now: int) -> str:
    """Returns how far an L1 time is from now, such as "12 s ago" or "in 8 s"."""
    return f"{span(now - timestamp)} ago" if timestamp <= now else f"in {span(timestamp - now)}"


def when(timestamp: int, now: int) -> str:
    """Returns an L1 time in the zone of this machine, and how far it is from now."""
    return f"{clock(timestamp)} ({since(timestamp, now)})"


def facts(pairs: Mapping[str, object]) -> None:
    """Prints name and value per line, aligned."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        typer.echo(f"{name:<{width}}  {value}")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a plain aligned table; readable by people and by ``awk``."""
    body = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(columns), *body]) for i in range(len(columns))]
    for line in [list(columns), *body]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
