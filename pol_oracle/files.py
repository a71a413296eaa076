"""Writing files so that a reader, or a crash, finds the old one or the new one; and holding one alone."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from pol_oracle.protocol.errors import InputError

_PREFIX = ".pol-new-"
_TRIES = 16  # to make a file that nobody clears away before it is held


@contextmanager
def held(path: Path, refusal: str) -> Iterator[None]:
    """Holds a lock file, made if there is none; the operating system lets go of it when the process dies.

    Args:
        path: of the lock.
        refusal: what to tell whoever comes while another process holds it.

    Raises:
        InputError: another process holds it.
        OSError: the file cannot be opened.
    """
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(refusal) from error
        yield


def write_whole(path: Path, data: bytes) -> None:
    """Writes beside the target, syncs, renames: on a full disk the old file stays, and no empty one.

    Raises:
        OSError: the file cannot be written; it names ``path``.
    """
    try:
        if path.exists() and not path.is_file():  # a device or a pipe; nothing to rename onto
            with path.open("wb") as file:
                file.write(data)
        else:
            with replacing(path) as file:
                file.write(data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Opens a file beside ``path`` that takes its place at the end, unless an error comes in between.

    Raises:
        OSError: it cannot be written.
    """
    target = path.resolve()
    _clear(target.parent)
    file, temporary = _new(target.parent)
    try:
        with file:
            os.fchmod(file.fileno(), 0o644)
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _clear(folder: Path) -> None:
    """Removes what processes left that were killed while they wrote: files that nobody holds any more."""
    for path in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError), path.open("rb") as file:  # gone already, or held
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _new(folder: Path) -> tuple[IO[bytes], Path]:
    """Opens a file of a new name, and holds it until it is closed.

    Where files cannot be locked, nothing is cleared away either. Where they can, others may clear this one away
    before it is held: then there is the next.

    Raises:
        OSError: it cannot be made.
    """
    for _ in range(_TRIES):
        handle, name = tempfile.mkstemp(dir=folder, prefix=_PREFIX)
        file = os.fdopen(handle, "wb")
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file, Path(name)
        file.close()
    raise OSError(errno.EAGAIN, "others clear away what is written here; try again")
