"""Files of SQLite: their versions, and what SQLite refuses, told as sentences."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pol_oracle.protocol.errors import InputError, StoreError


@contextmanager
def guarded(what: str, remedy: str) -> Iterator[None]:
    """Turns the errors of a database and of its file into :class:`StoreError`.

    Args:
        what: the file, in words.
        remedy: what to do about one that cannot be used.

    Raises:
        StoreError: the file is damaged, cannot be opened, or its disk is full.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{what} cannot be used ({error}): {remedy}") from error
    except OSError as error:
        raise StoreError(f"{what} cannot be opened: {error.strerror}; check the folder") from error


def adopt(database: sqlite3.Connection, path: Path, schema: str, version: int, remedy: str) -> None:
    """Makes the tables of a new file, or of one that was written before there were versions.

    Args:
        database: the open file.
        path: of it.
        schema: statements that make what is not there yet.
        version: of the tables that they make.
        remedy: what to do with a file of another version, but for going on with the program that wrote it.

    Raises:
        InputError: it is of another version.
    """
    ((found,),) = database.execute("PRAGMA user_version").fetchall()
    if found == 0:
        database.executescript(f"{schema}PRAGMA user_version = {version};")
    elif found != version:
        raise InputError(
            f"{path} is of version {found}, and this pol-oracle reads version {version}: go on with the pol-oracle "
            f"that wrote it, or {remedy}"
        )
