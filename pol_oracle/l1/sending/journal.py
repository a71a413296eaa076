"""The sender's memory: what is to be sent, and every signed transaction, written down before it leaves.

SQLite in WAL mode, synchronised to disk at every commit. Every row belongs to one account on one deployment (its
scope), so that a file outlives a deployment without mixing it with the next. It holds no key.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import astuple, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from pol_oracle.protocol.errors import InputError, Reverted
from pol_oracle.protocol.types import Address, Wei

from ..records import Receipt
from .database import adopt, guarded

RESERVE = 1 << 20  # bytes; a call takes some thousand, an answer of the largest size a hundred thousand
CHECKPOINT = 200  # pages of SQLite's log, which then begins anew: less than the reserve
MOST_SETTLED = 2000  # newest calls that are kept when they are settled: no reorganisation goes back further
VERSION = 1  # of the file's tables
SCHEMA = """
CREATE TABLE IF NOT EXISTS intents (
    scope TEXT NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, name TEXT NOT NULL, target TEXT NOT NULL,
    data BLOB NOT NULL, value TEXT NOT NULL, status TEXT NOT NULL, since INTEGER NOT NULL, nonce INTEGER,
    failures INTEGER NOT NULL, error_name TEXT, error TEXT, tx_hash BLOB, gas_used INTEGER NOT NULL,
    l1_block INTEGER, l1_hash BLOB,
    PRIMARY KEY (scope, key));
CREATE TABLE IF NOT EXISTS attempts (
    scope TEXT NOT NULL, tx_hash BLOB PRIMARY KEY, key TEXT NOT NULL, nonce INTEGER NOT NULL, raw BLOB NOT NULL,
    max_fee TEXT NOT NULL, priority TEXT NOT NULL, gas INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS intents_by_status ON intents (scope, status, seq);
CREATE INDEX IF NOT EXISTS intents_by_l1_block ON intents (scope, l1_block, nonce);
CREATE INDEX IF NOT EXISTS attempts_by_key ON attempts (scope, key);
"""


class CallStatus(StrEnum):
    """QUEUED: not signed yet. SENT: signed, not confirmed. DONE: confirmed. FAILED: refused, or reverted on L1."""

    QUEUED = "queued"
    SENT = "sent"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Intent:
    """A call that is to be made once.

    Attributes:
        key: what it means, e.g. "attest:0xab…"; unique.
        seq: place in the order of submission.
        name: "contract.function", for people.
        target, data, value: the transaction.
        status: see :class:`CallStatus`.
        since: L1 block in which it was last signed, or failed.
        nonce: of the signed transaction.
        failures: how often it failed.
        error_name, error: why it failed last.
        tx_hash, gas_used, l1_block, l1_hash: of the mined transaction; None (0 gas) while there is none.
    """

    key: str
    seq: int
    name: str
    target: str
    data: bytes
    value: Wei
    status: CallStatus
    since: int
    nonce: int | None = None
    failures: int = 0
    error_name: str | None = None
    error: str | None = None
    tx_hash: bytes | None = None
    gas_used: int = 0
    l1_block: int | None = None
    l1_hash: bytes | None = None


@dataclass(frozen=True)
class Attempt:
    """One signed transaction; several of one intent share a nonce and differ in fees (wei per gas)."""

    tx_hash: bytes
    key: str
    nonce: int
    raw: bytes
    max_fee: int
    priority: int
    gas: int


class Journal:
    """Opens or creates a journal, and keeps every other process away from it and from its account.

    Args:
        path: the SQLite file; its folder is made if needed.
        account: address that sends.
        identity: of the chain and the deployment.

    Raises:
        InputError: another process uses it, or sends for the account from the same folder; or it is of another version.
        StoreError: it is damaged, or cannot be written.
    """

    def __init__(self, path: Path, account: Address, identity: str) -> None:
        self._path = path
        self._scope = f"{account} {identity}"
        self._open = ExitStack()
        try:
            with self._guard():
                path.parent.mkdir(parents=True, exist_ok=True)
                for file in (path.with_name(path.name + ".lock"), path.with_name(f"{account.lower()}.lock")):
                    self._open.enter_context(_locked(file, account))
                self._db = sqlite3.connect(path, isolation_level=None)
                self._open.callback(self._db.close)
                self._prepare()
        except BaseException:
            self._open.close()
            raise

    def close(self) -> None:
        """Lets others use it."""
        self._open.close()

    def get(self, key: str) -> Intent | None:
        """Returns an intent, or None if its key is new."""
        found = self._select("key = ?", key)
        return found[0] if found else None

    def queued(self) -> list[Intent]:
        """Returns what is not signed yet, oldest first."""
        return self._select("status = ? ORDER BY seq", CallStatus.QUEUED)

    def sent(self) -> list[Intent]:
        """Returns what is signed and not settled, by nonce."""
        return self._select("status = ? ORDER BY nonce", CallStatus.SENT)

    def open_like(self, prefix: str, target: str, data: bytes, value: Wei, or_done: bool) -> Intent | None:
        """Returns an unsettled, or done, intent whose key begins with ``prefix`` and that asks for this, or None."""
        done = CallStatus.DONE if or_done else CallStatus.SENT
        found = self._select(
            "status IN (?, ?, ?) AND substr(key, 1, ?) = ? AND target = ? AND data = ? AND value = ? ORDER BY seq"
            " LIMIT 1",
            *(CallStatus.QUEUED, CallStatus.SENT, done, len(prefix), prefix, target, data, str(value)),
        )
        return found[0] if found else None

    def rename(self, key: str, new: str) -> None:
        """Gives an intent another key."""
        with self._transaction():
            for table in ("intents", "attempts"):
                statement = f"UPDATE {table} SET key = ? WHERE scope = ? AND key = ?"  # noqa: S608 - own tables
                self._run(statement, new, self._scope, key)

    def newest_mined(self) -> Intent | None:
        """Returns what was settled by the newest mined transaction, or None if nothing was."""
        found = self._select(
            "status IN (?, ?) AND l1_block IS NOT NULL ORDER BY l1_block DESC, nonce DESC LIMIT 1",
            *(CallStatus.DONE, CallStatus.FAILED),
        )
        return found[0] if found else None

    def attempts(self, key: str) -> list[Attempt]:
        """Returns every signed transaction of an intent, newest first."""
        rows = self._run("SELECT * FROM attempts WHERE scope = ? AND key = ? ORDER BY rowid DESC", self._scope, key)
        return [Attempt(h, k, n, raw, int(fee), int(tip), gas) for _, h, k, n, raw, fee, tip, gas in rows]

    def highest_nonce(self) -> int:
        """Returns the highest nonce that a settled or signed transaction has, or -1."""
        ((highest,),) = self._run(
            "SELECT max(nonce) FROM intents WHERE scope = ? AND status != ?", self._scope, CallStatus.QUEUED
        )
        return -1 if highest is None else int(highest)

    def queue(self, key: str, name: str, target: str, data: bytes, value: Wei) -> None:
        """Adds an intent, or queues a failed one again behind all others; its failures stay counted.

        Old settled ones are forgotten.
        """
        with self._transaction():
            self._run("DELETE FROM attempts WHERE scope = ? AND key = ?", self._scope, key)
            self._run(
                "INSERT INTO intents VALUES (?, ?, (SELECT coalesce(max(seq), 0) + 1 FROM intents), ?, ?, ?, ?, ?, 0,"
                " NULL, 0, NULL, NULL, NULL, 0, NULL, NULL) ON CONFLICT (scope, key) DO UPDATE SET seq = excluded.seq,"
                " target = excluded.target, data = excluded.data, value = excluded.value, status = excluded.status,"
                " nonce = NULL, tx_hash = NULL, gas_used = 0, l1_block = NULL, l1_hash = NULL",
                *(self._scope, key, name, target, data, str(value), CallStatus.QUEUED),
            )
            self._forget()

    def sign(self, attempt: Attempt, since: int) -> None:
        """Writes down a signed transaction; only then may it leave."""
        with self._transaction():
            self._run(
                "INSERT OR IGNORE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                *(self._scope, attempt.tx_hash, attempt.key, attempt.nonce, attempt.raw),
                *(str(attempt.max_fee), str(attempt.priority), attempt.gas),
            )
            self._update(attempt.key, status=CallStatus.SENT, nonce=attempt.nonce, since=since)

    def touch(self, key: str, since: int) -> None:
        """Starts an intent's patience anew."""
        self._update(key, since=since)

    def settle(self, key: str, nonce: int, receipt: Receipt, error: Reverted | None) -> None:
        """Records what a mined and confirmed transaction did; ``error`` is why it reverted, if it did."""
        with self._transaction():
            if error is not None:
                self.fail(key, error, receipt.l1_block)
            self._update(
                key,
                status=CallStatus.FAILED if error else CallStatus.DONE,
                nonce=nonce,
                tx_hash=receipt.tx_hash,
                gas_used=receipt.gas_used,
                l1_block=receipt.l1_block,
                l1_hash=receipt.l1_hash,
            )

    def fail(self, key: str, error: Reverted, since: int) -> None:
        """Records why an intent failed, and in which L1 block."""
        self._run(
            "UPDATE intents SET failures = failures + 1, status = ?, error_name = ?, error = ?, since = ?"
            " WHERE scope = ? AND key = ?",
            *(CallStatus.FAILED, error.name, str(error), since, self._scope, key),
        )

    def unsettle(self, key: str) -> None:
        """Takes a settled intent back to SENT: L1 dropped its transaction."""
        self._update(key, status=CallStatus.SENT, tx_hash=None, gas_used=0, l1_block=None, l1_hash=None)

    def unsign(self, key: str) -> None:
        """Takes a signed intent back to QUEUED: its nonce is gone. Its attempts are kept and still looked for."""
        self._update(key, status=CallStatus.QUEUED, nonce=None)

    def _forget(self) -> None:
        old = self._run(
            "SELECT key FROM intents WHERE scope = ? AND status IN (?, ?) AND seq <="
            " (SELECT max(seq) FROM intents) - ?",
            *(self._scope, CallStatus.DONE, CallStatus.FAILED, MOST_SETTLED),
        )
        for (key,) in old:
            self._run("DELETE FROM attempts WHERE scope = ? AND key = ?", self._scope, key)
            self._run("DELETE FROM intents WHERE scope = ? AND key = ?", self._scope, key)

    def _update(self, key: str, **values: Any) -> None:
        columns = ", ".join(f"{column} = ?" for column in values)
        statement = f"UPDATE intents SET {columns} WHERE scope = ? AND key = ?"  # noqa: S608 - own column names
        self._run(statement, *values.values(), self._scope, key)

    def _select(self, condition: str, *values: Any) -> list[Intent]:
        statement = f"SELECT {_COLUMNS} FROM intents WHERE scope = ? AND {condition}"  # noqa: S608 - own conditions
        rows = self._run(statement, self._scope, *values)
        return [_intent(row) for row in rows]

    def _run(self, statement: str, *values: Any) -> Sequence[Any]:
        with self._guard():
            return self._db.execute(statement, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._run("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.rollback()
            raise
        self._run("COMMIT")

    def _guard(self) -> AbstractContextManager[None]:
        return guarded(
            f"the journal {self._path}",
            "if the disk is not full, move the file away and start again: what is done is read from L1",
        )

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        ((health,),) = self._db.execute("PRAGMA quick_check(1)").fetchall()
        if health != "ok":
            raise sqlite3.DatabaseError(health)
        adopt(
            self._db,
            self._path,
            SCHEMA,
            VERSION,
            "move the file away once nothing of the account is pending on L1 (what is done is read from there)",
        )
        self._reserve()

    def _reserve(self) -> None:
        """Takes room on the disk in advance, in the file and in its log: calls are made though it is full later."""
        with suppress(sqlite3.OperationalError):  # it is full already
            self._db.execute("CREATE TABLE IF NOT EXISTS reserve (room BLOB)")
            self._db.execute("INSERT INTO reserve VALUES (zeroblob(?))", (RESERVE,))
            self._db.execute("DELETE FROM reserve")
            self._db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT}")
            self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()


_COLUMNS = ", ".join(field.name for field in fields(Intent))


def _intent(row: Sequence[Any]) -> Intent:
    plain = Intent(*row)
    values = dict(zip((f.name for f in fields(Intent)), astuple(plain), strict=True))
    return Intent(**{**values, "value": int(plain.value), "status": CallStatus(plain.status)})


@contextmanager
def _locked(path: Path, account: Address) -> Iterator[None]:
    """Holds a file lock; the operating system lets go of it when the process dies."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            raise InputError(
                f"account {account} or its journal is in use by another process (pid {owner}, lock {path}); "
                "stop that one first"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
