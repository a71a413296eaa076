"""Agents log JSON lines to a file of their own."""

from __future__ import annotations

import logging
from pathlib import Path

import structlog


def log_to(path: Path) -> None:
    """Sends this process's structured logs (info and above) to the end of ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a", buffering=1, encoding="utf-8")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=file),
        cache_logger_on_first_use=False,
    )
