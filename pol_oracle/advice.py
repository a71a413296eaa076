"""Commands that sentences advise, such as "run `pol deploy`": they act where the command that says so acts.

How ``pol`` was called is known to the whole process, as its name is. Whoever words a sentence need not be told, and a
text of L1 or of another's file that looks like one of our commands is never touched.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_given: list[str] = []  # options of ``pol`` itself


@contextmanager
def given(options: Mapping[str, str]) -> Iterator[None]:
    """Lets every command that is advised meanwhile have these options, which ``pol`` itself was given."""
    before = list(_given)
    _given[:] = [word for option in options.items() for word in option]
    try:
        yield
    finally:
        _given[:] = before


def pol(words: str) -> str:
    """Returns a command of ``pol`` in backticks, to be pasted into a shell.

    Args:
        words: what follows ``pol``, as the shell takes it.
    """
    return f"`{' '.join(['pol', *map(shlex.quote, _given), words])}`"
