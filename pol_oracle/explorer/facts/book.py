"""What pages are made from: the index, the deployment, and the whole tree as it is at this version."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from pol_oracle.l1.contracts.deployment import Deployment

from ..index.reading import IndexReader
from ..index.rows import IndexedBlock, IndexStamp, TreeBlock
from ..keeper import IndexState
from ..lookup import CallLookup
from ..workshop import tools
from ..workshop.pool import Workshop
from .common import BlockSummary, summary
from .lanes import lanes
from .words import Narrator


@dataclass(frozen=True, eq=False)
class TreeSnapshot:
    """The tree at one moment.

    Attributes:
        rows: all blocks, in L1 order.
        heads: when which block became the head.
    """

    rows: list[TreeBlock]
    heads: list[tuple[int, bytes]]

    @cached_property
    def places(self) -> dict[bytes, int]:
        """Block id -> its place in ``rows``."""
        return {row.id: place for place, row in enumerate(self.rows)}

    @cached_property
    def parents(self) -> list[int]:
        """Place of each block's parent; -1 for a child of genesis."""
        return [self.places.get(row.parent, -1) for row in self.rows]

    @cached_property
    def trunk(self) -> list[TreeBlock]:
        """The head's branch, from height 1 up."""
        place = self.places.get(self.heads[-1][1], -1) if self.heads else -1
        found: list[TreeBlock] = []
        while place >= 0:
            found.append(self.rows[place])
            place = self.parents[place]
        return found[::-1]

    @cached_property
    def main(self) -> set[bytes]:
        """Ids of the head's branch."""
        return {row.id for row in self.trunk}

    @cached_property
    def lanes(self) -> list[int]:
        """Where each block is drawn."""
        return lanes(self.parents, [row.height for row in self.rows], [row.id in self.main for row in self.rows])

    @cached_property
    def heights(self) -> dict[bytes, int]:
        """Block id -> height."""
        return {row.id: row.height for row in self.rows}

    def parent_at(self, parent: bytes) -> int | None:
        """Returns when a block's parent was proposed; None if that is genesis."""
        place = self.places.get(parent)
        return None if place is None else self.rows[place].proposed_at


class Book:
    """Everything that pages are made from. Safe to share between threads.

    Args:
        deployment: what is watched.
        reader: of the index.
        state: says where the index stands.
        workshop: works out what needs data or arithmetic.
        lookup: fetches calls that L1 holds.
        names: says what the operator calls accounts by now, by address.
    """

    def __init__(
        self,
        deployment: Deployment,
        reader: IndexReader,
        state: Callable[[], IndexState],
        workshop: Workshop,
        lookup: CallLookup,
        names: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self.deployment, self.reader, self._names = deployment, reader, names
        self.workshop, self.lookup = workshop, lookup
        self._state = state
        self._lock = threading.Lock()
        self._local = threading.local()
        self._kept: tuple[IndexStamp, TreeSnapshot] | None = None

    @contextmanager
    def moment(self) -> Iterator[None]:
        """What this thread takes from the book inside is of one moment, and :attr:`state` claims none that is newer."""
        self._local.state = self._state()
        try:
            with self.reader.at_once():
                yield
        finally:
            self._local.state = self._local.tree = None

    @property
    def state(self) -> IndexState:
        """Where the index stands."""
        pinned: IndexState | None = getattr(self._local, "state", None)
        return pinned or self._state()

    @property
    def names(self) -> Mapping[str, str]:
        """Address -> what the operator calls it."""
        return self._names()

    @property
    def genesis(self) -> bytes:
        """Id of the genesis block."""
        return bytes.fromhex(self.deployment.genesis_id.removeprefix("0x"))

    @property
    def test_count(self) -> int:
        """Samples of the test set."""
        return self.deployment.task.test_count

    def snapshot(self) -> TreeSnapshot:
        """Returns the tree as it is now; made once per change of the index."""
        pinned: TreeSnapshot | None = getattr(self._local, "tree", None)
        if pinned is not None:
            return pinned
        with self.reader.at_once(), self._lock:
            found = self._current()
        if getattr(self._local, "state", None) is not None:
            self._local.tree = found
        return found

    def _current(self) -> TreeSnapshot:
        """The tree as this thread sees the index: the last one that was made, with what has changed since."""
        stamp, reader = self.reader.stamp(), self.reader
        known = self._kept
        if known is not None and known[0] == stamp:
            return known[1]
        if known is None or known[0].kind != stamp.kind or known[0].changes > stamp.changes:
            found = TreeSnapshot(reader.tree(), reader.heads())
        else:
            rows, since = list(known[1].rows), known[0].l1_block
            for sequence, row in reader.tree_since(since):
                rows[sequence - 1 : sequence] = [row]
            found = TreeSnapshot(rows, known[1].heads + reader.heads(since))
        self._kept = stamp, found
        return found

    def label(self, half: str, sample: int) -> int | None:
        """Returns what a sample of the data set shows; None while that is not known."""
        known = self.workshop.answer(tools.labels, half)
        return known[sample] if isinstance(known, bytes) and 0 <= sample < len(known) else None

    def narrator(self, own: bytes | None = None) -> Narrator:
        """Returns who tells events in words; ``own`` is the block whose page it is."""
        return Narrator(self.snapshot().heights, self.names, own)

    def summary(self, row: IndexedBlock) -> BlockSummary:
        """Returns a block as lists show it."""
        tree = self.snapshot()
        return summary(row, self.test_count, tree.parent_at(row.parent), main=row.id in tree.main)
