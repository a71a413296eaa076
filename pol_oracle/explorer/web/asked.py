"""What an address asks for: a block by its id, an account, a page's parameters.

Pages make the best of parameters that mean nothing: people come by old links. The API says what is wrong with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from eth_utils.address import to_checksum_address
from starlette.requests import Request

from pol_oracle.protocol.text import printable

from ..facts.book import Book
from ..index.reading import END, Place
from ..index.rows import IndexedBlock

LONGEST = 200  # of a parameter
_SHOWN = 40  # characters of what was wrong
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_PREFIX = re.compile(r"(0x)?[0-9a-f]{4,64}")


class Missing(Exception):
    """There is no such thing on this chain; the text says what was looked for."""


class Wrong(Exception):
    """A parameter is wrong, or there is none of that name; the text says so."""


@dataclass(frozen=True)
class Parameter:
    """What may stand for a parameter after the question mark, in words, for programs, and for OpenAPI."""

    words: str
    pattern: str
    type: Literal["integer", "string"] = "string"

    def fits(self, text: str) -> bool:
        """Says whether a text is one."""
        return re.fullmatch(self.pattern, text, re.DOTALL) is not None


NUMBER = Parameter("a whole number of at most 15 digits", "[0-9]{1,15}", "integer")
PLACE = Parameter("two numbers with a point between them, as another answer gave it", r"[0-9]{1,15}\.[0-9]{1,9}")
TEXT = Parameter("a text of at most 100 characters", ".{0,100}")
Parameters = Mapping[str, Parameter]


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


def address_of(text: str) -> str:
    """Returns an account's address with its checksum.

    Raises:
        Missing: it is none.
    """
    if not _ADDRESS.fullmatch(text):
        raise Missing("no address: one has 40 hex digits after 0x")
    return str(to_checksum_address(text))


def parameters_of(request: Request, query: Parameters) -> dict[str, str]:
    """Returns a page's parameters, of its path and of its query."""
    return {**request.path_params, **{name: request.query_params.get(name, "")[:LONGEST] for name in query}}


def check(request: Request, query: Parameters) -> None:
    """Looks at the parameters of a request to the API.

    Raises:
        Wrong: one is not what it has to be, or the page has none of that name.
    """
    for name, value in request.query_params.multi_items():
        if name not in query:
            known = f"only {' and '.join(query)}" if query else "none"
            raise Wrong(f"There is no parameter {printable(name, _SHOWN)!r} here, {known}.")
        if not query[name].fits(value):
            raise Wrong(f"{name} has to be {query[name].words}, not {printable(value, _SHOWN)!r}.")


def number(parameters: dict[str, str], name: str) -> int | None:
    """Returns a parameter that counts something; None if it is no number."""
    text = parameters.get(name, "")
    return int(text) if NUMBER.fits(text) else None


def place(parameters: dict[str, str], name: str) -> Place:
    """Returns a parameter that says where on L1 something is; the end if it says nothing."""
    text = parameters.get(name, "")
    l1_block, _, log_index = text.partition(".")
    return (int(l1_block), int(log_index)) if PLACE.fits(text) else END
