"""What lies below a block: headers that all blocks above share, so that one more costs no copy of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from pol_oracle.protocol.header import Header

Lineage = Sequence[Header]
"""Headers from the first block after genesis up to a block; empty for genesis."""


class Chain(Sequence[Header]):
    """A lineage with one header more. Cheap at its end: that, the length, and the way down.

    Args:
        below: what the header stands on.
        header: the last one.
    """

    __slots__ = ("_below", "_header", "_length")

    def __init__(self, below: Lineage, header: Header) -> None:
        self._below, self._header, self._length = below, header, len(below) + 1

    def __eq__(self, other: object) -> bool:
        """The last header names its parent, and so all below."""
        if not isinstance(other, Chain):
            return NotImplemented
        return (self._length, self._header) == (other._length, other._header)

    def __hash__(self) -> int:
        return hash(self._header)

    def __len__(self) -> int:
        return self._length

    def __reversed__(self) -> Iterator[Header]:
        at: Lineage = self
        while isinstance(at, Chain):
            yield at._header
            at = at._below
        yield from reversed(at)

    def __iter__(self) -> Iterator[Header]:
        return reversed(list(reversed(self)))

    @overload
    def __getitem__(self, index: int) -> Header: ...

    @overload
    def __getitem__(self, index: slice) -> Lineage: ...

    def __getitem__(self, index: int | slice) -> Header | Lineage:
        return self._header if index in (-1, self._length - 1) else tuple(self)[index]
