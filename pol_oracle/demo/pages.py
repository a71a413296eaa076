"""The explorer beside a demo: a process of its own, started as a user starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import InputError

from .cast import Party

NAMES = "names.json"
STOP_LIMIT_S = 8.0


def write_names(home: Path, cast: Sequence[Party]) -> None:
    """Tells the explorer what to call the parties."""
    (home / NAMES).write_text(json.dumps({party.address: party.name for party in cast}, indent=2) + "\n")


@contextmanager
def explorer(home: Path) -> Iterator[str]:
    """Serves a home folder's chain on a free port, and yields the address.

    Raises:
        InputError: it does not start.
    """
    command = [sys.executable, "-m", "pol_oracle.cli", "--home", str(home), "explorer", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield _address(process.stdout)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
        process.kill()
        process.wait()


def _address(lines: Iterable[str]) -> str:
    """What it says when it is ready."""
    told = ""
    for line in lines:
        told += line
        if line.startswith("}"):
            return str(json.loads(told)["data"]["url"])
    raise InputError(f"the explorer did not start; run {pol('explorer')} by itself to see why")
