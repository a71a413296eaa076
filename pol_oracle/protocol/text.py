"""Text that is safe to show: without what steers a terminal, and without the secrets of addresses; amounts."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

LONGEST = 400  # characters
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.I)
_BEHIND = "'\",;.)]"  # what a sentence puts behind a URL
_HOST = re.compile(r"[\w.:%\[\]-]*")
_STEERING = ("Cc", "Cs", "Zl", "Zp")  # of Unicode: controls, surrogates, ends of lines and of paragraphs
_JOINERS = "\u200c\u200d"  # which spelling needs in many scripts
_SHORTEST_SECRET = 6  # characters of what is looked for in others' words


def steers(character: str) -> bool:
    """Says whether a character steers what shows it (ESC, C1, line ends, marks of direction), or cannot be encoded."""
    if character.isprintable():
        return False
    kind = unicodedata.category(character)
    return kind in _STEERING or (kind == "Cf" and character not in _JOINERS)


def printable(text: object, longest: int = LONGEST) -> str:
    """Returns a text in one line, without control characters (ESC, C1, bidirectional marks), and not too long."""
    shown = "".join("\0" if steers(c) else c for c in str(text)[: 4 * longest])
    line = " ".join(part for part in map(str.strip, shown.split("\0")) if part)
    return line if len(line) <= longest else f"{line[:longest]}…"


def steerless(text: str) -> str:
    """Returns a text of any length and of several lines, without control characters."""
    return "".join("\ufffd" if steers(c) and c != "\n" else c for c in text)


def without_secrets(text: str) -> str:
    """Cuts what may hold a password or a token from every URL in a text: all but scheme, host and port."""
    return _URL.sub(_cut, text)


def _cut(found: re.Match[str]) -> str:
    url = found[0].rstrip(_BEHIND)
    return (url if url.lower().startswith("file:") else place_of(url)) + found[0][len(url) :]


def origin_of(url: str) -> str:
    """Returns scheme, host and port of what is meant to be a URL (RFC 6454); no host where it is unclear which."""
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    if "@" in rest[len(authority) :] or not _HOST.fullmatch(host):  # a password with a slash in it, or what is no host
        host = ""
    return f"{scheme}{separator}{host}"


def place_of(url: str) -> str:
    """Returns what may be shown of what is meant to be a URL: its origin, and whether there is more of it."""
    origin = origin_of(url)
    return printable(origin if url.rstrip("/") == origin else f"{origin}/…")


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
