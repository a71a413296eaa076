"""What the monitor saw, folded into the tables; roll-backs undo it by L1 block."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from pol_oracle.l1.events import typed as ev
from pol_oracle.l1.monitor import Update
from pol_oracle.protocol.difficulty import work
from pol_oracle.protocol.errors import ChainError
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.view.disputes import Disputed

from . import accounts, codec
from .rows import event_of
from .schema import open_index, remove

REACH = 64  # L1 blocks that are read again at a start: the monitor then knows how they were
KEPT = 4096  # L1 blocks whose hashes are kept


class Inconsistent(ChainError):
    """Events rest on others that were never told, or were told before."""


class IndexWriter:
    """Writes one file. One thread uses it.

    Args:
        path: of the file.
        identity: names L1 and deployment.
        genesis_id: 32 bytes.

    Attributes:
        notice: why the file was made anew, if it was.
    """

    def __init__(self, path: Path, identity: str, genesis_id: bytes) -> None:
        self._path, self._identity, self._genesis_id = path, identity, genesis_id
        self._db, self.notice = open_index(path, identity)
        self._inode = path.stat().st_ino
        self._remember()

    def _remember(self) -> None:
        rows = self._db.execute("SELECT id, total_work FROM blocks")
        self._work = {self._genesis_id: 0} | {row["id"]: int(row["total_work"]) for row in rows}
        self._sequence = len(self._work) - 1

    def close(self) -> None:
        """Lets go of the file."""
        self._db.close()

    def rebuild(self, why: str) -> None:
        """Throws the file away and begins anew."""
        self._db.close()
        remove(self._path)
        self._db, _ = open_index(self._path, self._identity)
        self.notice, self._inode = why, self._path.stat().st_ino
        self._remember()

    @property
    def lost(self) -> bool:
        """Somebody deleted the file or put another in its place."""
        try:
            return self._path.stat().st_ino != self._inode
        except OSError:
            return True

    @property
    def l1(self) -> str:
        """Names the L1 that the file was read from; "" if it was read from none yet."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'l1'").fetchone()
        return "" if row is None else str(row[0])

    @l1.setter
    def l1(self, name: str) -> None:
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('l1', ?)", (name,))

    def check(self) -> None:
        """Looks at the whole file.

        Raises:
            sqlite3.DatabaseError: it is damaged.
        """
        if self._db.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("pages of the file are damaged")

    def passed(self) -> list[tuple[int, bytes]]:
        """Returns number and hash of L1 blocks that were passed, newest first."""
        return [tuple(row) for row in self._db.execute("SELECT number, hash FROM passed ORDER BY number DESC")]

    def apply(self, update: Update) -> None:
        """Takes in what the monitor saw, whole or not at all; after an error only :meth:`forget` or less may follow.

        Raises:
            Inconsistent: events that L1 never told lie below these, or it told some twice.
        """
        try:
            self._apply(update)
        except (KeyError, sqlite3.IntegrityError) as error:
            raise Inconsistent(
                "L1's events do not add up: some are missing, or were told twice; if this stays, give the RPC address "
                "of another node"
            ) from error

    def _apply(self, update: Update) -> None:
        with self._db:
            if update.rollback_to is not None:
                self.roll_back(update.rollback_to)
            self._take(update.events)
            marks = {e.at.l1_block: (e.at.l1_block, e.at.l1_hash, e.at.timestamp) for e in update.events}
            if update.l1_hash:
                marks[update.l1_block] = update.l1_block, update.l1_hash, update.timestamp
            self._db.executemany("INSERT OR REPLACE INTO passed VALUES (?, ?, ?)", list(marks.values()))
            self._db.execute("DELETE FROM passed WHERE number < ?", (update.l1_block - KEPT,))
            now = {"l1_block": update.l1_block, "now": update.timestamp}
            self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [(k, str(v)) for k, v in now.items()])
            self._count("stamp")

    def forget(self, above: int) -> None:
        """Drops what is known of L1 blocks above this one, to read them again; that is no reorganisation."""
        with self._db:
            self._drop(above)

    def roll_back(self, above: int) -> None:
        """L1 was reorganised: remembers what it took back, and drops it."""
        (tip,) = self._db.execute("SELECT coalesce(max(number), ?) FROM passed", (above,)).fetchone()
        (now,) = self._db.execute("SELECT coalesce(max(timestamp), 0) FROM passed").fetchone()
        (count,) = self._db.execute("SELECT count(*) FROM events WHERE l1_block > ?", (above,)).fetchone()
        self._db.execute(
            "INSERT OR REPLACE INTO lost SELECT id, parent, height, miner, proposed_at, ? FROM blocks "
            "WHERE l1_block > ?",
            (now, above),
        )
        if tip > above:
            reorg = (above, tip - above, now, count)
            self._db.execute("INSERT INTO reorgs (above, depth, timestamp, events) VALUES (?, ?, ?, ?)", reorg)
        self._drop(above)

    def _drop(self, above: int) -> None:
        self._count("drops")
        touched = self._db.execute("SELECT DISTINCT block_id FROM events WHERE l1_block > ?", (above,)).fetchall()
        attested = "SELECT block_id, count(*) FROM events WHERE kind = 'Attested' AND l1_block > ? GROUP BY block_id"
        for block_id, count in self._db.execute(attested, (above,)).fetchall():
            self._db.execute("UPDATE blocks SET attested = attested - ? WHERE id = ?", (count, block_id))
        accounts.drop(self._db, above)
        for table in ("events", "blocks", "heads", "demands"):
            self._db.execute(f"DELETE FROM {table} WHERE l1_block > ?", (above,))
        self._db.execute("DELETE FROM passed WHERE number > ?", (above,))
        self._db.execute(
            "UPDATE blocks SET status = 1, closed_at = NULL, closed_l1 = NULL, closed_tx = NULL, kind = NULL "
            "WHERE closed_l1 > ?",
            (above,),
        )
        for (block_id,) in touched:  # an explanation may have been refuted since, or given again
            self._db.execute("DELETE FROM demands WHERE block_id = ?", (block_id,))
            rows = self._db.execute("SELECT * FROM events WHERE block_id = ?", (block_id,)).fetchall()
            for event in map(event_of, rows):
                if isinstance(event, Disputed):
                    self._fold(event)
        self._remember()

    def _count(self, what: str) -> None:
        """Counts a change of the file, for those who keep what they have read."""
        more = "1 + coalesce((SELECT value FROM meta WHERE key = ?), 0)"
        self._db.execute(f"INSERT OR REPLACE INTO meta VALUES (?, {more})", (what, what))

    def _take(self, events: Sequence[ev.Event]) -> None:
        rows = [
            (*_place(e), type(e).__name__, e.at.l1_hash, e.at.tx_hash, e.at.timestamp, _block(e), codec.dumps(e))
            for e in events
        ]
        self._db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        for event in events:
            self._fold(event)
        accounts.take(self._db, events)

    # --- the fold ---

    def _fold(self, event: ev.Event) -> None:
        """What an event changes of blocks, heads and demands: most events nothing."""
        match event:
            case ev.BlockProposed():
                self._propose(event)
            case ev.HeadChanged():
                row = (*_place(event), event.block_id, event.at.timestamp)
                self._db.execute("INSERT INTO heads VALUES (?, ?, ?, ?)", row)
            case ev.Attested():
                self._db.execute("UPDATE blocks SET attested = attested + 1 WHERE id = ?", (event.block_id,))
            case ev.BlockFinalized():
                self._close(event, Status.FINALIZED)
            case ev.BlockSlashed():
                self._close(event, Status.SLASHED, int(event.kind))
            case ev.BlockOrphaned():
                self._close(event, Status.ORPHANED)
            case ev.Demanded():
                self._demand(event.demand_id, event)
            case ev.ExplanationDemanded():
                self._demand(explanation_id(event), event)
            case ev.Revealed() | ev.DemandExpired():
                self._answer(event.demand_id, event.at.l1_block)
            case ev.Explained() | ev.ExplanationExpired():
                self._answer(explanation_id(event), event.at.l1_block)
            case ev.ExplanationRefuted():
                self._answer(explanation_id(event), None)

    def _propose(self, event: ev.BlockProposed) -> None:
        total = self._work[event.block_id] = self._work[event.parent] + work(event.difficulty)
        self._sequence += 1
        header = event.header
        claims = event.at.timestamp, header.correct_before, header.correct_after, event.at.l1_block, event.at.tx_hash
        named = event.block_id, event.parent, event.height, event.miner, event.difficulty, str(total), self._sequence
        self._db.execute(
            "INSERT INTO blocks (id, parent, height, miner, difficulty, total_work, sequence, proposed_at, "
            "correct_before, correct_after, l1_block, tx) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*named, *claims),
        )

    def _close(
        self, event: ev.BlockFinalized | ev.BlockSlashed | ev.BlockOrphaned, status: Status, kind: int | None = None
    ) -> None:
        row = (int(status), event.at.timestamp, event.at.l1_block, event.at.tx_hash, kind, event.block_id)
        self._db.execute(
            "UPDATE blocks SET status = ?, closed_at = ?, closed_l1 = ?, closed_tx = ?, kind = ? WHERE id = ?", row
        )

    def _demand(self, demand_id: bytes, event: ev.Demanded | ev.ExplanationDemanded) -> None:
        row = (demand_id, event.block_id, event.at.l1_block)
        self._db.execute("INSERT OR REPLACE INTO demands (id, block_id, l1_block) VALUES (?, ?, ?)", row)

    def _answer(self, demand_id: bytes, l1_block: int | None) -> None:
        self._db.execute("UPDATE demands SET closed_l1 = ? WHERE id = ?", (l1_block, demand_id))


def explanation_id(
    event: ev.ExplanationDemanded | ev.Explained | ev.ExplanationExpired | ev.ExplanationRefuted,
) -> bytes:
    """Returns how the index names the demand for an explanation; L1 knows it by block, tree and sample."""
    return Position(Item.ROOTS, event.tree, event.sample).demand_id(event.block_id)


def _place(event: ev.Event) -> tuple[int, int]:
    return event.at.l1_block, event.at.log_index


def _block(event: ev.Event) -> bytes | None:
    found: bytes | None = getattr(event, "block_id", None)
    return found
