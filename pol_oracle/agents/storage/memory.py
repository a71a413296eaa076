"""What an agent must not forget when it is killed: what it found right, its proofs and what L1 refused it.

SQLite in WAL mode; every write is on disk before the call returns, unless the disk is full: then it is made up for as
soon as there is space, and lost only if the agent is killed before. What is wrong with a block is not kept: another
replay finds it again.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from pol_oracle.l1.sending.database import adopt, guarded
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.types import Address, BlockId

from ..rules.verdicts import Verdict, can_be_built_on

REFUSALS = 200  # newest ones that are kept
FOUND_RIGHT = 10_000  # newest blocks: of older ones nobody asks
_OWED = 10_000  # writes that wait for space, at most

VERSION = 1  # of the file's tables

_SCHEMA = """
CREATE TABLE IF NOT EXISTS owner (only INTEGER PRIMARY KEY CHECK (only = 1), genesis BLOB, account TEXT);
CREATE TABLE IF NOT EXISTS found_right (block BLOB, difficulty INTEGER, PRIMARY KEY (block, difficulty));
CREATE TABLE IF NOT EXISTS proof (number INTEGER PRIMARY KEY AUTOINCREMENT, header TEXT NOT NULL UNIQUE,
    difficulty INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS refusal (number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, name TEXT, message TEXT);
"""


@dataclass(frozen=True)
class RefusedCall:
    """A call that L1 refused: its key, the name of the contract's error ("" if none), and the sentence."""

    key: str
    name: str
    message: str


class AgentMemory:
    """One agent's durable memory; used by one thread.

    Args:
        path: of the SQLite file.
        genesis_id: of the deployment.
        account: the agent's address.

    Raises:
        InputError: the file belongs to another deployment or account, or is of another version.
        StoreError: the file is damaged, or cannot be written at the start; every method raises it if it is damaged.
    """

    def __init__(self, path: Path, genesis_id: BlockId, account: Address) -> None:
        self._path = path
        self._owed: deque[tuple[str, tuple[object, ...]]] = deque(maxlen=_OWED)
        self._log = structlog.get_logger(__name__)
        with self._guard():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            try:
                adopt(self._database, path, _SCHEMA, VERSION, "move the file away (what is forgotten is replayed)")
            except InputError:
                self.close()
                raise
        self._run("INSERT OR IGNORE INTO owner VALUES (1, ?, ?)", genesis_id, account)
        (owner,) = self._run("SELECT genesis, account FROM owner")
        if owner != (genesis_id, account):
            self.close()
            raise InputError(
                f"{path} was written for account {owner[1]} on another deployment or account than this one: "
                "give the agent another name, or move the file away"
            )

    def found_right(self) -> dict[bytes, int]:
        """Returns the blocks found right, by id, with the difficulty each was last checked at."""
        return dict(self._run("SELECT block, difficulty FROM found_right ORDER BY rowid"))

    def remember(self, verdict: Verdict, difficulty: int) -> None:
        """Keeps a verdict, if it found the block right at a difficulty."""
        if can_be_built_on(verdict):
            self._write("INSERT OR REPLACE INTO found_right VALUES (?, ?)", verdict.block_id, difficulty)
            self._write("DELETE FROM found_right WHERE rowid <= (SELECT MAX(rowid) FROM found_right) - ?", FOUND_RIGHT)

    def proofs(self) -> dict[Header, int]:
        """Returns the proofs that may still be proposed, oldest first, with the difficulty each was searched at."""
        rows = self._run("SELECT header, difficulty FROM proof ORDER BY number")
        return {Header.loads(text): difficulty for text, difficulty in rows}

    def add_proof(self, header: Header, difficulty: int) -> None:
        """Keeps a proof."""
        self._write("INSERT OR IGNORE INTO proof (header, difficulty) VALUES (?, ?)", header.dumps(), difficulty)

    def drop_proof(self, header: Header) -> None:
        """Forgets a proof that was proposed or has become useless."""
        self._write("DELETE FROM proof WHERE header = ?", header.dumps())

    def refusals(self) -> list[RefusedCall]:
        """Returns what L1 refused of late, oldest first."""
        rows = self._run("SELECT key, name, message FROM refusal ORDER BY number")
        return [RefusedCall(*row) for row in rows]

    def add_refusal(self, refusal: RefusedCall) -> None:
        """Keeps a refusal, and forgets old ones."""
        row = (refusal.key, refusal.name, refusal.message)
        self._write("INSERT INTO refusal (key, name, message) VALUES (?, ?, ?)", *row)
        self._write("DELETE FROM refusal WHERE number <= (SELECT MAX(number) FROM refusal) - ?", REFUSALS)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def _write(self, statement: str, *values: object) -> None:
        """Makes a change, after those that are owed. A disk that takes none for now does not end the agent."""
        behind = len(self._owed)
        self._owed.append((statement, values))
        with self._guard():
            try:
                while self._owed:
                    self._database.execute(*self._owed[0])
                    self._owed.popleft()
            except sqlite3.OperationalError as error:
                if not behind:
                    self._log.warning("the agent's memory cannot be written", path=str(self._path), reason=str(error))
                return
        if behind:
            self._log.info("the agent's memory is written again", late=behind)

    def _run(self, statement: str, *values: object) -> Sequence[Any]:
        with self._guard():
            return self._database.execute(statement, values).fetchall()

    def _guard(self) -> AbstractContextManager[None]:
        return guarded(
            f"the agent's memory {self._path}",
            "if the disk is full, free some space; if the file is damaged, move it away and start again: blocks are "
            "replayed anew, and only proofs not yet proposed are lost",
        )
