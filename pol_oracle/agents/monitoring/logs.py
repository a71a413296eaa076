"""Agents log JSON lines to a file of their own, and tell whoever watches them the same on stderr or stdout.

Neither may end an agent: a disk fills, a terminal is closed, a pipe's reader goes away. What could not be written is
counted, and said as soon as something can be.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
from structlog.typing import EventDict, WrappedLogger

from pol_oracle.protocol.text import steerless

T = TypeVar("T")
Tell = Callable[[EventDict], None]
"""Shows one log entry to a person or a program."""

LOG_BYTES = 16 << 20  # of a log file; the one before it is kept
_ID_DIGITS = 64  # a bytes32 in hex; its first digits are enough for a person
_SHOWN_DIGITS = 8


class BestEffort(Generic[T]):
    """Hands values to something that may fail.

    Args:
        tell: takes a value; what it raises because nobody can be reached any more is not passed on.
        made_good: told how many values were lost, the first time that one gets through again.
    """

    def __init__(self, tell: Callable[[T], None], made_good: Callable[[int], None]) -> None:
        self._tell, self._made_good = tell, made_good
        self.lost = 0

    def __call__(self, value: T) -> None:
        """Hands a value over, or counts it."""
        try:
            if self.lost:
                self._made_good(self.lost)
                self.lost = 0
            self._tell(value)
        except (OSError, ValueError):  # ValueError: a stream that was closed, or that cannot encode this
            self.lost += 1


class LogFile:
    """The end of a file, which takes whole lines for as long as the disk does. For one thread at a time.

    Args:
        path: of the file; when it is full it becomes ``<path>.1``, in place of the one before it.
        limit: bytes that fill it.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, limit: int = LOG_BYTES) -> None:
        self._path, self._limit = path, limit
        self._append_safely = BestEffort(self._append, lambda lost: self._append(as_json(lost_entry(lost)) + "\n"))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()

    def write(self, text: str) -> None:
        """Appends a line, or counts it as lost."""
        self._append_safely(text)

    def flush(self) -> None:
        """Nothing waits to be written."""

    def _open(self) -> FileIO:
        return self._path.open("ab", buffering=0)

    def _append(self, text: str) -> None:
        data = text.encode(errors="backslashreplace")
        if self._file.closed:
            self._file = self._open()
        size = os.fstat(self._file.fileno()).st_size
        if size and size + len(data) > self._limit:
            self._file.close()
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            self._file, size = self._open(), 0
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError:
            with suppress(OSError):
                self._file.truncate(size)  # a line is there whole or not at all
            self._file.close()  # next time, whatever has this name then
            raise


def log_to(path: Path, tell: Tell | None = None) -> None:
    """Sends this process's structured logs (info and above) to the end of ``path``, and each entry to ``tell``.

    Raises:
        OSError: the file cannot be opened. Whatever fails later is counted and passed over.
    """
    shown = None if tell is None else BestEffort(tell, lambda lost: tell(lost_entry(lost)))

    def echo(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
        if shown is not None:
            shown(entry)
        return entry

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            echo,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=LogFile(path)),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )


def lost_entry(lost: int) -> EventDict:
    """The entry that stands for ``lost`` others."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"event": "entries were lost", "entries": lost, "level": "warning", "timestamp": now}


def as_text(entry: EventDict) -> str:
    """One short line for a person: local time, what happened, and the details with ids cut short."""
    hidden = ("event", "level", "timestamp", "agent")
    details = " ".join(f"{name}={_short(value)}" for name, value in entry.items() if name not in hidden)
    return steerless(f"{time.strftime('%H:%M:%S')} {entry['event']:<10} {details}".rstrip())


def as_json(entry: EventDict) -> str:
    """The line of the log file."""
    return json.dumps(entry, default=str)


def _short(value: Any) -> str:
    words = str(value).split(":")
    return ":".join(w[:_SHOWN_DIGITS] if len(w.removeprefix("0x")) == _ID_DIGITS else w for w in words)
