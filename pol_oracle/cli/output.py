"""Printing: one value, either as JSON on stdout or as text for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import typer

from pol_oracle.protocol.text import amount

__all__ = ["amount", "bits", "emit", "emit_line", "facts", "hex0x", "remark", "table"]


def emit(value: Any, as_json: bool, render: Callable[[], None]) -> None:
    """Prints ``value`` as indented JSON, or calls ``render`` to print it for people."""
    if as_json:
        typer.echo(json.dumps(value, indent=2))
    else:
        render()


def emit_line(value: Mapping[str, Any], as_json: bool, text: str) -> None:
    """Prints one record of a stream: one JSON object per line, or a line of text."""
    typer.echo(json.dumps(value) if as_json else text)


def remark(text: str) -> None:
    """Prints a line on stderr, if anybody is there to read it."""
    with suppress(OSError):
        typer.echo(text, err=True)


def bits(value: float) -> str:
    """Returns a difficulty as people read it: a real number of bits."""
    return f"{round(value, 2):g} bits"


def hex0x(data: bytes) -> str:
    """Returns 0x-prefixed hex, as ``cast`` prints it."""
    return "0x" + data.hex()


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
