"""What SQLite refuses, told as a sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from pol_oracle.protocol.errors import StoreError


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
