"""Questions to the tables. Safe to share between threads: each has a connection of its own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pol_oracle.l1.events.typed import BlockProposed, Event
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Status

from .numbers import Number
from .rows import (
    IndexedBlock,
    IndexedEntry,
    IndexedMove,
    IndexStamp,
    L1Reorg,
    TreeBlock,
    block_of,
    event_of,
    ledger_of,
    move_of,
)
from .schema import connect

_ORDER = "ORDER BY l1_block, log_index"
_CROWDS = (
    ("Attested", "AttestationSettled"),
    ("Demanded", "Revealed", "DemandExpired", "DeadlineMoved", "DemandSettled"),
    ("ExplanationDemanded", "Explained", "ExplanationRefuted", "ExplanationExpired", "ExplanationMoved"),
    ("ExplanationSettled", "SpeakerReleased"),
)
CROWD = 1000  # of each of these a block's page has so many: anybody may attest, ask, and answer
_TREE = "id, parent, height, miner, proposed_at, correct_after, status, closed_at"
_SUMS = "wei(CASE WHEN amount NOT LIKE '-%' THEN amount END), wei(CASE WHEN amount LIKE '-%' THEN amount END)"
_MOVES = """
SELECT m.amount, m.total, l.reason, coalesce(l.block_id, e.block_id) AS about, e.*
FROM moves AS m JOIN events AS e USING (l1_block, log_index)
LEFT JOIN ledger AS l ON l.party = m.account AND l.l1_block = m.l1_block AND l.log_index = m.log_index
WHERE m.account = ? AND m.number = ? AND (m.l1_block, m.log_index) < (?, ?)
ORDER BY m.l1_block DESC, m.log_index DESC LIMIT ?"""
_DISPUTED = "WHERE status = 1 AND id IN (SELECT block_id FROM demands WHERE closed_l1 IS NULL)"
_BACK = "ORDER BY l1_block DESC, log_index DESC"
Place = tuple[int, int]
END: Place = (1 << 62, 0)  # after all that happened


class IndexReader:
    """Reads the file that an :class:`~pol_oracle.explorer.index.writing.IndexWriter` keeps.

    Every method raises ``sqlite3.Error`` while the file is being made anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._generation = 0

    def reopen(self) -> None:
        """The file is another one by now."""
        self._generation += 1

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What this thread reads inside is of one moment, whatever is written meanwhile."""
        if getattr(self._local, "at_once", False):
            yield
            return
        db = self._db()
        db.execute("BEGIN")
        self._local.at_once = True
        try:
            yield
        finally:
            self._local.at_once = False
            db.rollback()  # there is nothing to commit

    def stamp(self) -> IndexStamp:
        """Returns what tells one state of the file from others."""
        meta = {row["key"]: row["value"] for row in self._rows("SELECT * FROM meta")}
        drops, changes, l1_block = (int(meta.get(key, 0)) for key in ("drops", "stamp", "l1_block"))
        return IndexStamp((self._generation, drops), changes, l1_block)

    # --- L1 ---

    def tip(self) -> tuple[int, int]:
        """Returns the last L1 block that is in, and its timestamp; zeros if there is none yet."""
        meta = {row["key"]: row["value"] for row in self._rows("SELECT * FROM meta")}
        return int(meta.get("l1_block", 0)), int(meta.get("now", 0))

    def reorgs(self, limit: int = 50) -> list[L1Reorg]:
        """Returns what L1 took back, newest first."""
        rows = self._rows("SELECT above, depth, timestamp, events FROM reorgs ORDER BY id DESC LIMIT ?", limit)
        return [L1Reorg(*row) for row in rows]

    def count_reorgs(self) -> int:
        """Returns how often L1 took something back."""
        return int(self._rows("SELECT count(*) FROM reorgs")[0][0])

    def lost(self, limit: int = 500) -> list[tuple[bytes, bytes, int, int, int]]:
        """Returns blocks that L1 took back: id, parent, height, times of its proposal and of its loss."""
        columns = "id, parent, height, proposed_at, lost_at"
        missing = "WHERE id NOT IN (SELECT id FROM blocks)"
        rows = self._rows(f"SELECT {columns} FROM lost {missing} ORDER BY lost_at DESC LIMIT ?", limit)
        return [tuple(row) for row in rows]

    # --- blocks ---

    def block(self, block_id: bytes) -> IndexedBlock | None:
        """Returns a block by its id; None for genesis."""
        return self._block("WHERE id = ?", block_id)

    def head(self) -> IndexedBlock | None:
        """Returns the head; None if that is genesis."""
        newest = "(SELECT block_id FROM heads ORDER BY l1_block DESC, log_index DESC LIMIT 1)"
        return self._block(f"WHERE id = {newest}")

    def finalized(self) -> IndexedBlock | None:
        """Returns the last finalized block; None if that is genesis."""
        return self._block("WHERE status = 2 ORDER BY height DESC LIMIT 1")

    def newest(self, limit: int, before: int | None = None) -> list[IndexedBlock]:
        """Returns the newest blocks, of a lower sequence than ``before`` if that is given."""
        bound = 1 << 62 if before is None else before
        return self._blocks("WHERE sequence < ? ORDER BY sequence DESC LIMIT ?", bound, limit)

    def at_height(self, height: int) -> list[IndexedBlock]:
        """Returns the blocks of a height, in L1 order."""
        return self._blocks("WHERE height = ? ORDER BY sequence LIMIT 100", height)

    def children(self, block_id: bytes) -> list[IndexedBlock]:
        """Returns the blocks that build on a block."""
        return self._blocks("WHERE parent = ? ORDER BY sequence LIMIT 100", block_id)

    def mined_by(self, miner: str, limit: int) -> list[IndexedBlock]:
        """Returns a miner's newest blocks."""
        return self._blocks("WHERE miner = ? ORDER BY sequence DESC LIMIT ?", miner, limit)

    def next_of(self, block: IndexedBlock) -> IndexedBlock | None:
        """Returns what a block's miner proposed next."""
        return self._block("WHERE miner = ? AND sequence > ? ORDER BY sequence LIMIT 1", block.miner, block.sequence)

    def slashed(self, limit: int, before: int | None = None) -> list[IndexedBlock]:
        """Returns the slashed blocks, newest first, of a lower sequence than ``before`` if that is given."""
        bound = 1 << 62 if before is None else before
        return self._blocks("WHERE status = 3 AND sequence < ? ORDER BY sequence DESC LIMIT ?", bound, limit)

    def slashed_for(self) -> dict[EvidenceKind, int]:
        """Returns how many blocks were slashed for what."""
        rows = self._rows("SELECT kind, count(*) FROM blocks WHERE status = 3 GROUP BY kind ORDER BY kind")
        return {EvidenceKind(row[0]): row[1] for row in rows}

    def with_prefix(self, prefix: str, limit: int) -> list[IndexedBlock]:
        """Returns blocks whose id begins with these hex digits."""
        low, high = bytes.fromhex(prefix.ljust(64, "0")), bytes.fromhex(prefix.ljust(64, "f"))
        return self._blocks("WHERE id BETWEEN ? AND ? LIMIT ?", low, high, limit)

    def tree(self) -> list[TreeBlock]:
        """Returns what the tree shows of all blocks, in L1 order."""
        return [TreeBlock._make(row) for row in self._rows(f"SELECT {_TREE} FROM blocks ORDER BY sequence")]

    def tree_since(self, l1_block: int) -> list[tuple[int, TreeBlock]]:
        """Returns what has changed of the tree since an L1 block, in L1 order, each with its sequence."""
        where = "WHERE l1_block > ? OR closed_l1 > ? ORDER BY sequence"
        rows = self._rows(f"SELECT sequence, {_TREE} FROM blocks {where}", l1_block, l1_block)
        return [(row[0], TreeBlock._make(row[1:])) for row in rows]

    def heads(self, since: int = -1) -> list[tuple[int, bytes]]:
        """Returns when which block became the head, in L1 order, after an L1 block."""
        rows = self._rows(f"SELECT timestamp, block_id FROM heads WHERE l1_block > ? {_ORDER}", since)
        return [tuple(row) for row in rows]

    def by_status(self) -> dict[Status, int]:
        """Returns how many blocks there are of each status."""
        rows = self._rows("SELECT status, count(*) FROM blocks GROUP BY status")
        return {Status(row[0]): row[1] for row in rows}

    # --- events ---

    def events_of_block(self, block_id: bytes) -> list[Event]:
        """Returns what happened to a block, in L1 order; of what anybody may do to it, the first so many."""
        crowded = [kind for crowd in _CROWDS for kind in crowd]
        found = self._events(f"WHERE block_id = ? AND kind NOT IN ({_marks(crowded)})", block_id, *crowded)
        for crowd in _CROWDS:
            where = f"WHERE block_id = ? AND kind IN ({_marks(crowd)}) {_ORDER} LIMIT ?"
            found += self._events(where, block_id, *crowd, CROWD)
        return sorted(found, key=lambda event: (event.at.l1_block, event.at.log_index))

    def header(self, block_id: bytes) -> Header:
        """Returns a block's header."""
        (event,) = self._events("WHERE block_id = ? AND kind = 'BlockProposed' LIMIT 1", block_id)
        assert isinstance(event, BlockProposed)
        return event.header

    def events_of_tx(self, tx: bytes) -> list[Event]:
        """Returns what a transaction did."""
        return self._events(f"WHERE tx = ? {_ORDER} LIMIT 1000", tx)

    def latest(self, limit: int, kinds: Sequence[str] = ()) -> list[Event]:
        """Returns the newest events, newest first; of these kinds alone, if there are any."""
        where = f"WHERE kind IN ({_marks(kinds)})" if kinds else ""
        return self._events(f"{where} {_BACK} LIMIT ?", *kinds, limit)

    def events_of_account(self, account: str, limit: int) -> list[Event]:
        """Returns the newest events that an account has a part in, newest first."""
        back = "ORDER BY p.l1_block DESC, p.log_index DESC LIMIT ?"
        return self._events(
            f"AS e JOIN parties AS p USING (l1_block, log_index) WHERE account = ? {back}", account, limit
        )

    def disputed(self, limit: int = 50) -> list[IndexedBlock]:
        """Returns pending blocks of which something is demanded that nobody has answered."""
        return self._blocks(f"{_DISPUTED} ORDER BY sequence DESC LIMIT ?", limit)

    def count_disputed(self) -> int:
        """Returns how many these are."""
        return int(self._rows(f"SELECT count(*) FROM blocks {_DISPUTED}")[0][0])

    # --- money ---

    def ledger(self, party: str, limit: int, before: Place = END) -> list[IndexedEntry]:
        """Returns an account's rewards and losses, newest first; only older ones than at ``before``."""
        where = f"WHERE party = ? AND (l1_block, log_index) < (?, ?) {_BACK} LIMIT ?"
        return [ledger_of(row) for row in self._rows(f"SELECT * FROM ledger {where}", party, *before, limit)]

    def ledger_of_block(self, block_id: bytes) -> list[IndexedEntry]:
        """Returns who won and lost what by a block; of what one paid another, the payer first."""
        wanted = f"SELECT * FROM ledger WHERE block_id = ? {_ORDER}, amount NOT LIKE '-%' LIMIT 1000"
        return [ledger_of(row) for row in self._rows(wanted, block_id)]

    def burned(self, block_id: bytes) -> int:
        """Returns how many wei were lost over a block that nobody won."""
        (row,) = self._rows(f"SELECT {_SUMS} FROM ledger WHERE block_id = ? AND unit = 'ETH'", block_id)
        return max(-int(row[1] or 0) - int(row[0] or 0), 0)  # of no rows there is no sum

    # --- the numbers of accounts ---

    def numbers(self, account: str | None = None) -> dict[str, dict[Number, int]]:
        """Returns what the numbers of an account, or of all, have come to; none of them that never moved."""
        where, values = ("", ()) if account is None else ("WHERE account = ?", (account,))
        found: dict[str, dict[Number, int]] = {}
        for name, number, total in self._rows(f"SELECT * FROM totals {where} ORDER BY account", *values):
            found.setdefault(name, {})[Number(number)] = int(total)
        return found

    def moves(self, account: str, number: Number, limit: int, before: Place = END) -> list[IndexedMove]:
        """Returns how a number has become what it is, newest first; only what is older than at ``before``."""
        rows = self._rows(_MOVES, account, number.value, *before, limit)
        return [move_of(row) for row in rows]

    def blocks_of(self, transactions: Sequence[bytes]) -> dict[bytes, bytes]:
        """Returns the block that a transaction is about, of those that are about one alone."""
        where = f"WHERE tx IN ({_marks(transactions)}) AND block_id IS NOT NULL GROUP BY tx"
        rows = self._rows(f"SELECT tx, min(block_id), max(block_id) FROM events {where}", *transactions)
        return {tx: first for tx, first, last in rows if first == last}

    # --- connections ---

    def _block(self, where: str, *values: Any) -> IndexedBlock | None:
        return next(iter(self._blocks(where, *values)), None)

    def _blocks(self, where: str, *values: Any) -> list[IndexedBlock]:
        return [block_of(row) for row in self._rows(f"SELECT * FROM blocks {where}", *values)]

    def _events(self, where: str, *values: Any) -> list[Event]:
        return [event_of(row) for row in self._rows(f"SELECT * FROM events {where}", *values)]

    def _rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self._db().execute(sql, values).fetchall()

    def _db(self) -> sqlite3.Connection:
        stale = getattr(self._local, "generation", None) != self._generation
        if stale and not getattr(self._local, "at_once", False):
            self._local.db, self._local.generation = connect(self._path), self._generation
        found: sqlite3.Connection = self._local.db
        return found


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
