"""What the answers of a store over HTTP mean."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping

from pol_oracle.protocol.text import printable, without_secrets

Unpack = Callable[[bytes, int], bytes]
"""Turns some bytes of an answer into at most so many of the file."""

_GZIP_OR_ZLIB = 47  # zlib's number for either, told by the first bytes
_REDIRECTS = range(300, 400)


def unpacking(status: int, headers: Mapping[str, str]) -> Unpack:
    """Returns how an answer over HTTP is read. A proxy may pack it though nobody asked for that.

    Raises:
        ValueError: it is none of the file, or packed in a way that is not known.
    """
    if status in _REDIRECTS:
        there = printable(without_secrets(headers.get("Location", "nowhere")), 200)
        raise ValueError(f"it redirects to {there}, which is not followed: name that place if you trust it")
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return lambda data, most: data[:most]
    if encoding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(_GZIP_OR_ZLIB).decompress
    raise ValueError(f"its answer is packed as {encoding[:20]!r}, which nobody asked for: look at the proxy before it")
