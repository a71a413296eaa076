"""Agents log JSON lines to a file of their own, and tell whoever watches them the same on stderr or stdout."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

Tell = Callable[[EventDict], None]
"""Shows one log entry to a person or a program."""

_ID_DIGITS = 64  # a bytes32 in hex; its first digits are enough for a person
_SHOWN_DIGITS = 8


def log_to(path: Path, tell: Tell | None = None) -> None:
    """Sends this process's structured logs (info and above) to the end of ``path``, and each entry to ``tell``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a", buffering=1, encoding="utf-8")

    def echo(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
        if tell is not None:
            tell(entry)
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
        logger_factory=structlog.WriteLoggerFactory(file=file),
        cache_logger_on_first_use=False,
    )


def as_text(entry: EventDict) -> str:
    """One short line for a person: local time, what happened, and the details with ids cut short."""
    hidden = ("event", "level", "timestamp", "agent")
    details = " ".join(f"{name}={_short(value)}" for name, value in entry.items() if name not in hidden)
    return f"{time.strftime('%H:%M:%S')} {entry['event']:<10} {details}".rstrip()


def as_json(entry: EventDict) -> str:
    """The line of the log file."""
    return json.dumps(entry, default=str)


def _short(value: Any) -> str:
    words = str(value).split(":")
    return ":".join(w[:_SHOWN_DIGITS] if len(w.removeprefix("0x")) == _ID_DIGITS else w for w in words)
