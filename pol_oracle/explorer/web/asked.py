"""What an address asks for: a block by its id, a number, a page's parameters."""

from __future__ import annotations

import re

from starlette.requests import Request

from ..facts.book import Book
from ..index.rows import IndexedBlock

LONGEST = 200  # of a parameter
_PREFIX = re.compile(r"(0x)?[0-9a-f]{4,64}")


class Missing(Exception):
    """There is no such thing on this chain; the text says what was looked for."""


def block_of(book: Book, text: str) -> IndexedBlock:
    """Returns the block that an address names by its id, or by the beginning of it.

    Raises:
        Missing: there is none, or there are several.
    """
    low = text.lower()
    found = book.reader.with_prefix(low.removeprefix("0x"), 2) if _PREFIX.fullmatch(low) else []
    if len(found) != 1:
        raise Missing(
            "no block of that id (the search above takes heights, too)"
            if not found
            else "more than one block whose id begins so"
        )
    return found[0]


def parameters_of(request: Request, query: tuple[str, ...]) -> dict[str, str]:
    """Returns a page's parameters, of its path and of its query."""
    return {**request.path_params, **{name: request.query_params.get(name, "")[:LONGEST] for name in query}}


def number(parameters: dict[str, str], name: str) -> int | None:
    """Returns a parameter that counts something; None if it is no number."""
    text = parameters.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 16 else None
