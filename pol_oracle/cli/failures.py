"""Every failure becomes one sentence on stderr and an exit code: 1 expected, 2 unexpected (with a log file).

With ``--json`` it is told on stdout, too.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sqlite3
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from pol_oracle.protocol.errors import LONGEST_SENTENCE, PolError
from pol_oracle.protocol.text import printable, steerless

from .output import COMMAND, failure, remark
from .settings import Settings

EXPECTED = 1
UNEXPECTED = USAGE = 2
GLOBAL = ("--home", "--rpc", "--log-level")  # options of the root command that take a value
_KEPT = 20  # newest reports of unexpected failures
_NEGATIVE = re.compile(r"-[0-9.].*")
OF_MINERS = ("torch", "torchvision")  # the packages of the extra `miner`
# typer's own errors (unknown option, missing argument) all derive from this one, which typer does not export
_UsageError: Any = typer.BadParameter.__mro__[2]


class PolGroup(TyperGroup):
    """The root command; no traceback ever reaches the user."""

    _json = False  # errors are told as JSON, too

    def invoke(self, ctx: Any) -> Any:
        """Runs a command and turns what it raises into a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except _UsageError as error:
            self._refuse(error)
            raise
        except Exception as error:
            settings = ctx.obj if isinstance(ctx.obj, Settings) else Settings()
            sentence, code = expected(error), EXPECTED
            if sentence is None:
                sentence, code = unexpected(error, settings.logs), UNEXPECTED
            remark(f"pol: {sentence}")
            self._tell(error, sentence, code)
            raise typer.Exit(code) from error

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Takes global options before and after the subcommand alike."""
        self._json = "--json" in _options(args)
        COMMAND.set(_command(self, args))
        try:
            return super().parse_args(ctx, _global_first(args))
        except _UsageError as error:
            self._refuse(error)
            raise

    def _refuse(self, error: Any) -> None:
        """Tells of a wrong option or argument; the parser takes a number below zero for an option."""
        if _NEGATIVE.fullmatch(name := getattr(error, "option_name", "")):
            error.message = f"{name} is below zero, and no number here can be."
        self._tell(error, error.format_message(), USAGE)

    def _tell(self, error: Exception, sentence: str, code: int) -> None:
        """Prints a failure as JSON where that was asked for."""
        if self._json:
            with suppress(OSError):
                typer.echo(json.dumps(failure(type(error).__name__.lstrip("_"), sentence, code)))


def _options(args: Sequence[str]) -> Sequence[str]:
    """The arguments before ``--``."""
    return args[: args.index("--")] if "--" in args else args


def _global_first(args: Sequence[str]) -> list[str]:
    """The same arguments, those of the root command first."""
    first: list[str] = []
    others: list[str] = []
    options = list(_options(args))
    rest = args[len(options) :]
    while options:
        name = options.pop(0)
        if name in GLOBAL and options:
            first += [name, options.pop(0)]
        elif name.partition("=")[0] in GLOBAL:
            first.append(name)
        else:
            others.append(name)
    return [*first, *others, *rest]


def _command(group: Any, args: Sequence[str]) -> str:
    """Name of the command that the arguments call."""
    words: list[str] = []
    for word in _global_first(args):
        commands = getattr(group, "commands", {})
        if word in commands:
            words.append(word)
            group = commands[word]
    return " ".join(words)


def expected(error: Exception) -> str | None:
    """Returns the sentence for an error a user can do something about, or None."""
    sentence = _sentence(error)
    return None if sentence is None else printable(sentence, LONGEST_SENTENCE)


def _sentence(error: Exception) -> str | None:
    if isinstance(error, PolError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in OF_MINERS:
        return f"this needs {error.name}, which verifiers do without: install it with `pip install 'pol-oracle[miner]'`"
    if isinstance(error, OSError) and error.errno == errno.EBADF:
        return "standard output is closed, so nothing can be shown: leave it open, or send it to /dev/null"
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
        path.write_text(steerless("".join(traceback.format_exception(error))))
        for old in sorted(folder.glob("error-*.log"))[:-_KEPT]:
            old.unlink(missing_ok=True)
    except OSError as second:
        return f"{what} (and the log could not be written: {second})"
    return f"{what}; details are in {path}"
