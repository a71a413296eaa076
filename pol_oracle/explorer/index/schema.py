"""The tables. Every row says which L1 block it comes from, so that a roll-back deletes rows and opens closed blocks.

A file is used if it is whole, of this version, and of this deployment; else it is made anew, and says why. One that is
no index at all is left alone, since somebody else's would be lost. Whether it
is of this very L1, and not of one that was thrown away, is seen once L1 answers (``keeper.py``).
Amounts are decimal text, because they do not fit 64 bits; the aggregate ``wei`` adds them up exactly.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from pol_oracle.protocol.errors import InputError

VERSION = "4"
APPLICATION = 0x706F4C69  # stands in the file's first bytes, where it is found though the rest is damaged
LOGGED_PAGES = 8000  # before they are copied into the file: most are written by many updates of a long chain
CACHE_KB = 32 << 10  # of pages that are written: rows go to all of a long chain's indexes
_HEADER, _APPLICATION_AT = b"SQLite format 3\0", slice(68, 72)  # of SQLite's file format
TABLES = """
-- version and identity of the file; l1: which L1 it was read from; stamp: another one whenever something has
-- changed; drops: another one whenever rows went
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- L1 blocks that were passed: to find the newest that still stands
CREATE TABLE passed (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, timestamp INTEGER NOT NULL);
CREATE TABLE events (
  l1_block INTEGER, log_index INTEGER, kind TEXT NOT NULL, l1_hash BLOB NOT NULL, tx BLOB NOT NULL,
  timestamp INTEGER NOT NULL, block_id BLOB, body TEXT NOT NULL, PRIMARY KEY (l1_block, log_index)) WITHOUT ROWID;
CREATE INDEX events_of_block ON events (block_id) WHERE block_id IS NOT NULL;
CREATE INDEX events_of_tx ON events (tx);
CREATE INDEX events_of_kind ON events (kind, l1_block, log_index);
-- who has a part in an event
CREATE TABLE parties (account TEXT, l1_block INTEGER, log_index INTEGER,
  PRIMARY KEY (account, l1_block, log_index)) WITHOUT ROWID;
CREATE TABLE blocks (
  id BLOB PRIMARY KEY, parent BLOB NOT NULL, height INTEGER NOT NULL, miner TEXT NOT NULL, difficulty INTEGER NOT NULL,
  total_work TEXT NOT NULL, sequence INTEGER NOT NULL, proposed_at INTEGER NOT NULL, correct_before INTEGER NOT NULL,
  correct_after INTEGER NOT NULL, l1_block INTEGER NOT NULL, tx BLOB NOT NULL, attested INTEGER NOT NULL DEFAULT 0,
  status INTEGER NOT NULL DEFAULT 1, closed_at INTEGER, closed_l1 INTEGER, closed_tx BLOB, kind INTEGER
) WITHOUT ROWID;
CREATE INDEX blocks_by_height ON blocks (height);
CREATE UNIQUE INDEX blocks_by_sequence ON blocks (sequence);
CREATE INDEX blocks_by_status ON blocks (status, height);
CREATE INDEX blocks_by_miner ON blocks (miner, sequence);
CREATE INDEX blocks_by_parent ON blocks (parent);
CREATE INDEX blocks_by_l1 ON blocks (l1_block);
CREATE INDEX blocks_by_end ON blocks (closed_l1);
CREATE TABLE heads (l1_block INTEGER, log_index INTEGER, block_id BLOB NOT NULL, timestamp INTEGER NOT NULL,
  PRIMARY KEY (l1_block, log_index)) WITHOUT ROWID;
-- money with its reasons, as `pol status` tells it
CREATE TABLE ledger (party TEXT, l1_block INTEGER, log_index INTEGER, unit TEXT NOT NULL, amount TEXT NOT NULL,
  reason TEXT NOT NULL, block_id BLOB, tx BLOB NOT NULL, timestamp INTEGER NOT NULL,
  PRIMARY KEY (party, l1_block, log_index)) WITHOUT ROWID;
CREATE INDEX ledger_by_block ON ledger (block_id);
-- the numbers of an account (numbers.py): by how much an event changed one, and what it came to; and by now
CREATE TABLE moves (account TEXT, number TEXT, l1_block INTEGER, log_index INTEGER, amount TEXT NOT NULL,
  total TEXT NOT NULL, PRIMARY KEY (account, number, l1_block, log_index)) WITHOUT ROWID;
CREATE TABLE totals (account TEXT, number TEXT, total TEXT NOT NULL, PRIMARY KEY (account, number)) WITHOUT ROWID;
CREATE TABLE demands (id BLOB PRIMARY KEY, block_id BLOB NOT NULL, l1_block INTEGER NOT NULL, closed_l1 INTEGER);
CREATE INDEX demands_open ON demands (closed_l1);
-- what L1 took back while somebody watched
CREATE TABLE reorgs (id INTEGER PRIMARY KEY, above INTEGER NOT NULL, depth INTEGER NOT NULL, timestamp INTEGER NOT NULL,
  events INTEGER NOT NULL);
CREATE TABLE lost (id BLOB PRIMARY KEY, parent BLOB NOT NULL, height INTEGER NOT NULL, miner TEXT NOT NULL,
  proposed_at INTEGER NOT NULL, lost_at INTEGER NOT NULL);
"""


class _Wei:
    """The aggregate ``wei``: an exact sum of decimal text."""

    def __init__(self) -> None:
        self.total = 0

    def step(self, value: str | None) -> None:
        """Takes in one row."""
        self.total += int(value or 0)

    def finalize(self) -> str:
        """Returns the sum."""
        return str(self.total)


def connect(path: Path, *, writing: bool = False) -> sqlite3.Connection:
    """Opens the file.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    mode = "rwc" if writing else "ro"
    found = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, check_same_thread=False, timeout=10)
    found.row_factory = sqlite3.Row
    found.create_aggregate("wei", 1, _Wei)  # type: ignore[arg-type]
    return found


def open_index(path: Path, identity: str) -> tuple[sqlite3.Connection, str]:
    """Opens the file to write to, and makes it anew where it is of no use.

    Args:
        path: of the file; its folder is created.
        identity: names L1 and deployment.

    Returns:
        The connection, and why the file was made anew; "" if it was not.

    Raises:
        InputError: there can be no such file, or there is one that is no index.
    """
    _refuse_others(path)
    why = _useless(path, identity)
    if why is None:
        return _tuned(connect(path, writing=True)), ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove(path)
        made = connect(path, writing=True)
        made.execute(f"PRAGMA application_id = {APPLICATION}")
        _tuned(made).executescript(TABLES)
        with made:
            made.executemany("INSERT INTO meta VALUES (?, ?)", [("version", VERSION), ("identity", identity)])
    except (OSError, sqlite3.OperationalError) as error:
        raise InputError(f"the index {path} cannot be written ({error}); name another place with --index") from error
    return made, why


def remove(path: Path) -> None:
    """Deletes the file and what SQLite keeps beside it.

    Raises:
        InputError: it is no index.
    """
    _refuse_others(path)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _refuse_others(path: Path) -> None:
    """Raises unless a file is an index, whatever its state, or nobody's: empty, or none."""
    try:
        with path.open("rb") as file:
            head = file.read(_APPLICATION_AT.stop)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(
            f"the index {path} cannot be read ({error.strerror}); name another place with --index"
        ) from error
    if head and not (head.startswith(_HEADER) and int.from_bytes(head[_APPLICATION_AT]) == APPLICATION):
        raise InputError(
            f"{path} is no index of this explorer: it is left alone; delete it, or name another place with --index"
        )


def _useless(path: Path, identity: str) -> str | None:
    """Why a file cannot be used; "" if there is none yet, None if it can."""
    if not path.exists():
        return ""
    found: sqlite3.Connection | None = None
    try:
        found = connect(path, writing=True)
        if found.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            return "it was damaged"
        meta = dict(found.execute("SELECT key, value FROM meta").fetchall())
    except sqlite3.Error:
        return "it was damaged"
    finally:
        if found is not None:
            with suppress(sqlite3.Error):
                found.close()
    if meta.get("version") != VERSION:
        return "it was of another version"
    return None if meta.get("identity") == identity else "it was of another chain"


def _tuned(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")  # what is lost is read from L1 again
    connection.execute(f"PRAGMA wal_autocheckpoint = {LOGGED_PAGES}")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
    return connection
