"""Every failure becomes one sentence on stderr and an exit code: 1 expected, 2 unexpected (with a log file)."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
import traceback
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from pol_oracle.protocol.errors import PolError
from pol_oracle.protocol.text import printable

from .output import remark
from .settings import Settings

EXPECTED = 1
UNEXPECTED = 2
_KEPT = 20  # newest reports of unexpected failures
LONGEST = 4000  # characters of a sentence
# typer's own errors (unknown option, missing argument) all derive from this one, which typer does not export
_UsageError: Any = typer.BadParameter.__mro__[2]


class PolGroup(TyperGroup):
    """The root command; no traceback ever reaches the user."""

    def invoke(self, ctx: Any) -> Any:
        """Runs a command and turns what it raises into a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, _UsageError, BrokenPipeError):
            raise
        except Exception as error:
            settings = ctx.obj if isinstance(ctx.obj, Settings) else Settings.model_construct()
            sentence = expected(error)
            if sentence is None:
                remark(f"pol: {unexpected(error, settings.logs)}")
                raise typer.Exit(UNEXPECTED) from error
            remark(f"pol: {sentence}")
            raise typer.Exit(EXPECTED) from error


def expected(error: Exception) -> str | None:
    """Returns the sentence for an error a user can do something about, or None."""
    if isinstance(error, PolError):
        return printable(error, LONGEST)
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or (isinstance(error, sqlite3.OperationalError) and "full" in str(error)):
        where = getattr(error, "filename", None)
        return f"the disk is full{f' ({where})' if where else ''}: free some space and run the command again"
    if isinstance(error, OSError) and isinstance(error.filename, str | bytes | os.PathLike):
        return f"cannot read or write {os.fsdecode(error.filename)}: {_reason(error)}"
    if isinstance(error, sqlite3.DatabaseError):
        return f"a journal in the agents folder cannot be read ({error}): restore it from a backup, or move it away"
    return None


def _reason(error: OSError) -> str:
    """What the operating system said, and what to do about it."""
    if isinstance(error, PermissionError):
        return "permission denied; check its owner, or choose another place (--home chooses the home folder)"
    if isinstance(error, FileNotFoundError):
        return "no such file or folder; create its folder first, or name another"
    if isinstance(error, NotADirectoryError | FileExistsError):
        return (
            "a file is where a folder should be; move it away, or name another folder (--home chooses the home folder)"
        )
    if isinstance(error, IsADirectoryError):
        return "it is a folder; name a file"
    return f"{(error.strerror or str(error)).lower()}; check the place, or name another"


def unexpected(error: Exception, folder: Path) -> str:
    """Writes a traceback into ``folder`` and returns a sentence that names the file."""
    what = f"unexpected {type(error).__name__}: {printable(error)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
        path.write_text("".join(traceback.format_exception(error)))
        for old in sorted(folder.glob("error-*.log"))[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError as second:
        return f"{what} (and the log could not be written: {second})"
    return f"{what}; details are in {path}"
