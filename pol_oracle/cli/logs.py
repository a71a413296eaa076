"""Logs of agents and commands: structlog on stderr, so that stdout carries only what was asked for."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO, cast

from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.text import steerless

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

LEVELS = ("debug", "info", "warning", "error")


class Unheeded:
    """Stderr, if anybody is there to read it: a full disk behind it, or a reader that has gone, ends nothing."""

    def write(self, text: str) -> None:
        """Writes what can be written."""
        with suppress(OSError, ValueError):  # ValueError: it was closed
            sys.stderr.write(text)

    def flush(self) -> None:
        """Writes what is left."""
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def configure(level: str) -> None:
    """Sends logs of at least ``level`` to stderr: coloured text on a terminal, JSON lines elsewhere.

    Raises:
        InputError: there is no such level.
    """
    import structlog

    if level.lower() not in LEVELS:
        raise InputError(f"there is no log level {level!r}; choose from: {', '.join(LEVELS)}")
    terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _harmless,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, Unheeded())),
        cache_logger_on_first_use=False,
    )


def _harmless(_: WrappedLogger, __: str, entry: EventDict) -> EventDict:
    """What strangers said steers no terminal."""
    return {name: steerless(value) if isinstance(value, str) else value for name, value in entry.items()}
