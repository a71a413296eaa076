"""A terminal for a process: somebody reads it, or stops reading, or closes it."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import threading
from collections.abc import Sequence

KEPT_BYTES = 16_384  # of what was shown last
_READ_BYTES = 65_536
_LOOK_S = 0.1
# makes its standard input the controlling terminal of its session, then becomes the command
_ATTACH = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x09\x0b-\x1f\x7f]")


def on_terminal(command: Sequence[str]) -> list[str]:
    """Returns the command line that runs a command with its standard input as the terminal that controls it."""
    return [sys.executable, "-c", _ATTACH, *command]


class Terminal:
    """A pseudo-terminal with a reader.

    Attributes:
        end: descriptor for the process; closed here by :meth:`started`.
    """

    def __init__(self) -> None:
        self._reader, self.end = pty.openpty()
        self._shown = bytearray()
        self._reading = threading.Event()
        self._reading.set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._thread.start()

    def started(self) -> None:
        """The process has its end now."""
        os.close(self.end)

    def mute(self) -> None:
        """Nobody reads from now on: writers wait, once the terminal's buffer is full."""
        self._reading.clear()

    def unmute(self) -> None:
        """Somebody reads again."""
        self._reading.set()

    def close(self) -> None:
        """Closes it: its session gets SIGHUP, and whoever writes to it an error."""
        if not self._closing.is_set():
            self._closing.set()
            self._reading.set()
            self._thread.join()
            os.close(self._reader)

    @property
    def shown(self) -> str:
        """What was shown last, without control characters."""
        return _CONTROLS.sub("", bytes(self._shown).decode(errors="replace"))

    @property
    def last_words(self) -> str:
        """The last line that was shown."""
        lines = self.shown.split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _read(self) -> None:
        while not self._closing.is_set():
            self._reading.wait()
            if not select.select([self._reader], [], [], _LOOK_S)[0]:
                continue
            try:
                found = os.read(self._reader, _READ_BYTES)
            except OSError:  # all of its processes are gone
                return
            self._shown = (self._shown + found)[-KEPT_BYTES:]
