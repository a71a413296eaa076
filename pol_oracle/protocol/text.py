"""Text that is safe to show: without what steers a terminal, and without the secrets of addresses; amounts."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

LONGEST = 400  # characters
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/\s?#'\"]*@)?(?P<host>[^/\s?#'\",;)]*)(?P<rest>[^\s'\",;)]*)", re.I
)
_SHORTEST_SECRET = 6  # characters of what is looked for in others' words


def printable(text: object, longest: int = LONGEST) -> str:
    """Returns a text in one line, without control characters (ESC, C1, bidirectional marks), and not too long."""
    shown = str(text)[: 4 * longest]
    line = " ".join("".join(c if c.isprintable() else " " for c in shown).split())
    return line if len(line) <= longest else f"{line[:longest]}…"


def without_secrets(text: str) -> str:
    """Cuts what may hold a password or a token from every URL in a text: all but scheme, host and port."""
    return _URL.sub(_cut, text)


def _cut(found: re.Match[str]) -> str:
    if found["scheme"].lower() == "file":
        return found[0]
    host, rest = found["host"], found["rest"]
    if "@" in rest:  # a password with a slash in it: what looks like the host is its beginning
        host, rest = "", "/"
    return f"{found['scheme']}://{host}" + ("/…" if rest.strip("/") or not host else "")


def place_of(address: str) -> str:
    """Returns what may be shown of something that is meant to be a URL: scheme, host and port, as far as it has any."""
    shown = printable(without_secrets(address))
    if "://" in shown:
        return shown
    host, slash, rest = shown.rpartition("@")[2].partition("/")
    return re.split("[?#]", host)[0] + ("/…" if rest or (not slash and host != shown) else "")


def secrets_of(url: str) -> list[str]:
    """Returns what of a URL must not be shown, wherever it turns up, the longest first: user, password, path, query."""
    try:
        parts: SplitResult = urlsplit(url)
    except ValueError:
        return []
    found = [parts.username, parts.password, *parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    known = {form for text in found if text for form in (text, unquote(text)) if len(form) >= _SHORTEST_SECRET}
    return sorted(known, key=len, reverse=True)


def ether(wei: int) -> str:
    """Returns an amount of 1e-18 ETH or LEARN as an exact decimal, without trailing zeros."""
    text = format(Decimal(wei).scaleb(-18), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
