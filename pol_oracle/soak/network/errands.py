"""Commands that users give, one after the other, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pol_oracle.l1.devnet.process import end_group, spawn

LIMIT_S = 240.0
Then = Callable[[int, str], None]
"""Told a command's exit code and its last line."""


@dataclass(frozen=True)
class _Errand:
    command: Sequence[str]
    then: Then


class Errands:
    """Runs commands in the background, the oldest first.

    Args:
        folder: where their output goes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: deque[_Errand] = deque()
        self._now: tuple[_Errand, subprocess.Popen[bytes], Path, float] | None = None
        self._count = 0

    @property
    def idle(self) -> bool:
        """Nothing is left to be done."""
        return self._now is None and not self._waiting

    def add(self, command: Sequence[str], then: Then) -> None:
        """Takes a command."""
        self._waiting.append(_Errand(command, then))

    def turn(self) -> None:
        """Sees to the one under way, and begins the next."""
        if self._now is not None:
            errand, process, output, began = self._now
            if process.poll() is None and time.monotonic() - began > LIMIT_S:
                end_group(process.pid)
            if (code := process.poll()) is not None:
                self._now = None
                said = output.read_text(errors="replace").strip().splitlines()
                errand.then(code, said[-1] if said else "it said nothing")
        if self._now is None and self._waiting:
            self._count += 1
            errand, output = self._waiting.popleft(), self._folder / f"errand-{self._count}.txt"
            with output.open("wb") as file:
                process = spawn(list(errand.command), self._folder, file)
            self._now = errand, process, output, time.monotonic()

    def kill(self, command: Sequence[str]) -> None:
        """Ends a command in the middle of whatever it does, if it is under way."""
        if self._now is not None and self._now[0].command is command and self._now[1].poll() is None:
            os.killpg(self._now[1].pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the one under way; the others never begin."""
        self._waiting.clear()
        if self._now is not None:
            end_group(self._now[1].pid)
            self._now = None
