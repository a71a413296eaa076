"""What a check comes to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """GOOD, WARNING: it works, but not for long or not well, BAD: it does not work, SKIPPED: it could not be told."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What a check comes to.

    Attributes:
        name: of what was checked.
        grade: how it is.
        text: what was found.
        remedy: what to do; "" if nothing is to be done.
    """

    name: str
    grade: Grade
    text: str
    remedy: str = ""


def good(name: str, text: str) -> Finding:
    """It is as it should be."""
    return Finding(name, Grade.GOOD, text)


def skipped(name: str, text: str) -> Finding:
    """It could not be told."""
    return Finding(name, Grade.SKIPPED, text)
