"""Atom feeds: forks, slashes and reorganisations, for whoever does not want to watch."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from ..facts.book import Book
from ..facts.common import hex0x

NAMESPACE = "http://www.w3.org/2005/Atom"
LIMIT = 50
KINDS = ("forks", "slashes", "reorgs")
Entry = tuple[int, str, str]
"""When (L1 seconds), what, and where to look."""


def feed(book: Book, kind: str, base: str) -> bytes:
    """Returns a feed.

    Args:
        book: of the chain.
        kind: one of ``KINDS``, or "all".
        base: the explorer's own address, without a slash at its end.
    """
    parts = {"forks": _forks, "slashes": _slashes, "reorgs": _reorgs}
    entries = [entry for name in KINDS if kind in (name, "all") for entry in parts[name](book)]
    entries.sort(key=lambda entry: -entry[0])
    root = Element("feed", xmlns=NAMESPACE)
    title = f"{book.deployment.spec.get('name', 'chain')}: {kind if kind != 'all' else 'forks, slashes, reorgs'}"
    _add(root, "title", title)
    _add(root, "id", f"{base}/feed/{kind}.atom")
    _add(root, "updated", _stamp(entries[0][0] if entries else book.state.now))
    SubElement(root, "link", rel="self", href=f"{base}/feed/{kind}.atom")
    author = SubElement(root, "author")
    _add(author, "name", "pol explorer")
    for when, what, where in entries[:LIMIT]:
        entry = SubElement(root, "entry")
        _add(entry, "title", what)
        _add(entry, "id", f"{base}{where}#{when}")
        _add(entry, "updated", _stamp(when))
        SubElement(entry, "link", href=f"{base}{where}")
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _slashes(book: Book) -> list[Entry]:
    found = []
    for row in book.reader.slashed(LIMIT):
        kind = row.kind.name.lower() if row.kind is not None else "unknown"
        what = f"Block {row.id.hex()[:8]} at height {row.height} slashed ({kind})"
        found.append((row.closed_at or 0, what, f"/dispute/{hex0x(row.id)}"))
    return found


def _forks(book: Book) -> list[Entry]:
    tree = book.snapshot()
    taken: set[bytes] = set()
    found = []
    for row in tree.rows:
        if row.parent in taken:
            what = f"Block {row.id.hex()[:8]} forks the chain at height {row.height}"
            found.append((row.proposed_at, what, f"/block/{hex0x(row.id)}"))
        taken.add(row.parent)
    return found[-LIMIT:]


def _reorgs(book: Book) -> list[Entry]:
    return [
        (r.timestamp, f"L1 took back {r.depth} of its blocks, {r.events} events of ours in them", "/tree")
        for r in book.reader.reorgs(LIMIT)
    ]


def _add(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = text


def _stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
