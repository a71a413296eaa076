"""The agents' processes: each with a home, a terminal, and a way to L1 of its own."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pol_oracle.demo.cast import Party
from pol_oracle.demo.stage import ENVIRONMENT, HONEST
from pol_oracle.l1.devnet.process import end_group, spawn_watcher

from .terminal import Terminal, on_terminal

STOP_LIMIT_S = 30.0
START_S = 120.0  # in which an agent is at work, or never will be
FULL_AT_BYTES = 4096  # no file may grow beyond this where the disk is "full"


class Agent:
    """One agent.

    Args:
        name: of the agent.
        command: its command line.

    Attributes:
        name: of the agent.
        wanted: it should run now.
    """

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.wanted = False
        self._command = on_terminal(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._terminal: Terminal | None = None
        self._began = 0.0

    @property
    def at_work(self) -> bool:
        """Whether it has all that it needs at its start."""
        return self.age_s > START_S or self.said("started")

    @property
    def age_s(self) -> float:
        """Seconds since its last start."""
        return time.monotonic() - self._began

    @property
    def pid(self) -> int | None:
        """Its process; None while there is none."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Starts it, in a session and on a terminal of its own; it ends when this process does."""
        self.wanted, self._began = True, time.monotonic()
        self._release()
        terminal = self._terminal = Terminal()
        self._process = subprocess.Popen(
            self._command, stdin=terminal.end, stdout=terminal.end, stderr=terminal.end, start_new_session=True
        )
        self._watcher = spawn_watcher(self._process.pid)
        terminal.started()

    def ended(self) -> str | None:
        """Returns how it ended if it did so by itself, else None."""
        if not self.wanted or self._process is None or (code := self._process.poll()) is None:
            return None
        said = self._terminal.last_words if self._terminal is not None else ""
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{how}: {said or 'it said nothing'}"

    def said(self, word: str) -> bool:
        """Says whether a word is among what it showed last."""
        return self._terminal is not None and word in self._terminal.shown

    def kill(self) -> None:
        """Ends it in the middle of whatever it does."""
        self.wanted = False
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def freeze(self) -> None:
        """Lets it stand still."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        self._signal(signal.SIGCONT)

    def fill_disk(self) -> None:
        """Lets no file of it grow."""
        self._limit(FULL_AT_BYTES)

    def free_disk(self) -> None:
        """Lets files grow again."""
        self._limit(None)

    def close_terminal(self) -> None:
        """Closes its terminal; it gets another at its next start."""
        if self._terminal is not None:
            self._terminal.close()

    def mute(self) -> None:
        """Nobody reads its terminal."""
        if self._terminal is not None:
            self._terminal.mute()

    def unmute(self) -> None:
        """Somebody reads its terminal again."""
        if self._terminal is not None:
            self._terminal.unmute()

    def ask_to_stop(self) -> None:
        """Asks it to end."""
        self.wanted = False
        self._signal(signal.SIGTERM)

    def stopped(self) -> str | None:
        """Waits until it has ended as it was asked to; returns what was wrong with that, or None."""
        if self._process is None:
            return None
        try:
            code = self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return f"it did not end within {STOP_LIMIT_S:g} s of SIGTERM"
        return None if code == 0 else f"it ended with exit code {code} when asked to stop"

    def close(self) -> None:
        """Ends it, whatever it does."""
        self.kill()
        self._release()

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None:
            os.killpg(self.pid, number)

    def _limit(self, size: int | None) -> None:
        if self.pid is not None:
            _, most = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (most if size is None else size, most))

    def _release(self) -> None:
        """Lets go of what belonged to the last process."""
        if self._watcher is not None:
            end_group(self._watcher.pid)  # first, so that it never ends a stranger
            if self._watcher.stdin:
                self._watcher.stdin.close()
            self._watcher = None
        if self._terminal is not None:
            self._terminal.close()
            self._terminal = None


def pol(home: Path, rpc: str, *words: str) -> list[str]:
    """Returns a command line of ``pol`` as a user types it."""
    return [*ENVIRONMENT, sys.executable, "-m", "pol_oracle.cli", "--home", str(home), "--rpc", rpc, *words]


def command_of(party: Party, home: Path, rpc: str) -> list[str]:
    """Returns the command line of an agent: an honest one's is a user's."""
    who = ["--dev", str(party.dev), "--name", party.name]
    if words := HONEST.get(party.part):
        return pol(home, rpc, *words, *who)
    part = ["--part", party.part.name, *who, "--home", str(home)]
    return [*ENVIRONMENT, sys.executable, "-m", "pol_oracle.demo.cheat", *part]


def make_home(folder: Path, deployment: Path, data: Path) -> Path:
    """Makes a home folder of its own for somebody."""
    folder.mkdir(parents=True)
    shutil.copyfile(deployment, folder / "deployment.json")
    (folder / "data").symlink_to(data.resolve(), target_is_directory=True)
    return folder
