"""Templates, the filters in them, and the names of static files, which change with their content."""

from __future__ import annotations

import hashlib
import time
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ..facts.book import Book

STATIC = Path(__file__).with_name("static")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


class Renderer:
    """Fills templates. Whatever comes from L1 is escaped.

    Args:
        book: names and times come from it.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._environment = Environment(
            loader=PackageLoader("pol_oracle.explorer.web"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        filters = {"short": short, "utc": utc, "clock": clock, "thousands": thousands, "hue": hue, "span": span}
        self._environment.filters |= filters
        self._environment.filters |= {"who": self._who, "ago": self._ago}
        self._environment.globals["asset"] = asset
        for name in self._environment.list_templates():  # read now, so that nobody's first look waits for it
            self._environment.get_template(name)

    def page(self, template: str, **values: Any) -> str:
        """Returns a page."""
        shared = {"state": self._book.state, "deployment": self._book.deployment}
        return self._environment.get_template(template).render(**shared, **values)

    def _who(self, address: str) -> str:
        return self._book.names.get(address) or f"{address[:6]}…{address[-4:]}"

    def _ago(self, seconds: int) -> str:
        return ago(self._book.state.now - seconds)


def short(identifier: str) -> str:
    """Returns the beginning of an id: eight hex digits."""
    return identifier.removeprefix("0x")[:8]


def utc(seconds: int) -> str:
    """Returns L1 time as people read it."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def clock(seconds: int) -> str:
    """Returns the time of day."""
    return time.strftime("%H:%M:%S", time.gmtime(seconds))


def span(seconds: float) -> str:
    """Returns how long something takes."""
    for unit, name in _UNITS:
        if seconds >= unit:
            return f"{seconds / unit:.1f} {name}"
    return f"{seconds:.0f} s"


def ago(seconds: int) -> str:
    """Returns how long something is ago; ``static/live.js`` says it alike."""
    for unit, name in _UNITS:
        if abs(seconds) >= unit:
            words = f"{abs(seconds) // unit} {name}"
            break
    else:
        words = f"{abs(seconds)} s"
    return f"in {words}" if seconds < 0 else f"{words} ago"


def thousands(value: float | str, digits: int = 0) -> str:
    """Returns a number with thin spaces between thousands."""
    return f"{float(value):,.{digits}f}".replace(",", "\u202f")


def hue(text: str) -> int:
    """Returns a colour of an account's own, in degrees."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:2]) % 360


@cache
def asset(name: str) -> str:
    """Returns the address of a static file: another one whenever its content is."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?{digest}"
