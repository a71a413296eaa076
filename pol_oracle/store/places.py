"""Places a store may be in: how they are shown without their secrets, and what their answers over HTTP mean."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping

Unpack = Callable[[bytes, int], bytes]
"""Turns some bytes of an answer into at most so many of the file."""

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/\s?#'\"]*@)?(?P<host>[^/\s?#'\",;)]*)(?P<rest>[^\s'\",;)]*)", re.I
)
_GZIP_OR_ZLIB = 47  # zlib's number for either, told by the first bytes
_REDIRECTS = range(300, 400)


def without_secrets(text: str) -> str:
    """Cuts what may hold a password or a token from every URL in a text: all but scheme, host and port."""
    return _URL.sub(_cut, text)


def _cut(found: re.Match[str]) -> str:
    if found["scheme"].lower() == "file":
        return found[0]
    return f"{found['scheme']}://{found['host']}" + ("/…" if found["rest"].strip("/") else "")


def unpacking(status: int, headers: Mapping[str, str]) -> Unpack:
    """Returns how an answer over HTTP is read. A proxy may pack it though nobody asked for that.

    Raises:
        ValueError: it is none of the file, or packed in a way that is not known.
    """
    if status in _REDIRECTS:
        there = without_secrets(headers.get("Location", "nowhere"))[:200]
        raise ValueError(f"it redirects to {there}, which is not followed: name that place if you trust it")
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return lambda data, most: data[:most]
    if encoding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(_GZIP_OR_ZLIB).decompress
    raise ValueError(f"its answer is packed as {encoding[:20]!r}, which nobody asked for: look at the proxy before it")
