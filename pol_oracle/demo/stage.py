"""The processes of a demo. Whatever ends the demo ends them, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pol_oracle.l1.devnet.process import keep_short, spawn_watcher

from .cast import DemoRole, Party

STOP_LIMIT_S = 8.0
# one thread per process: thirteen of them share a machine; `env` leaves the rest of the environment as it is
ENVIRONMENT = ("env", "OMP_NUM_THREADS=1", "NUMBA_NUM_THREADS=1", "MKL_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1")
HONEST = {DemoRole.MINER: ["miner", "run"], DemoRole.VERIFIER: ["verifier", "run"]}


def command_of(party: Party, home: Path) -> list[str]:
    """Returns the command line of a party: honest ones are started exactly as a user starts them."""
    python = [*ENVIRONMENT, sys.executable, "-m"]
    if command := HONEST.get(party.part):
        options = ["--dev", str(party.dev), "--name", party.name]
        return [*python, "pol_oracle.cli", "--home", str(home), *command, *options]
    options = ["--part", party.part.name, "--dev", str(party.dev), "--name", party.name, "--home", str(home)]
    return [*python, "pol_oracle.demo.cheat", *options]


class AgentProcesses:
    """The agents' processes."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._watcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> AgentProcesses:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, cast: Sequence[Party], others: Mapping[str, list[str]] = MappingProxyType({})) -> None:
        """Starts a process per party, each in a group of its own, so that Ctrl-C reaches the demo alone.

        Args:
            cast: the parties.
            others: name -> command line of what runs beside them.
        """
        commands = {party.name: command_of(party, self._home) for party in cast} | dict(others)
        for name, command in commands.items():
            self._output(name).unlink(missing_ok=True)  # of an earlier run
            with self._output(name).open("ab") as output:
                self._processes[name] = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        groups = [process.pid for process in self._processes.values()]
        self._watcher = spawn_watcher(*groups, patience_s=STOP_LIMIT_S)

    def ended(self) -> dict[str, str]:
        """Returns the parties whose process has ended by itself, with its last words; keeps short what others print."""
        for name in self._processes:
            keep_short(self._output(name))
        return {name: self._last_words(name) for name, p in self._processes.items() if p.poll() is not None}

    def close(self) -> None:
        """Ends all processes: asked first, then killed."""
        if self._watcher is not None and self._watcher.stdin is not None:
            self._watcher.kill()  # before what it watches, so that it never ends a stranger
            self._watcher.wait()
            self._watcher.stdin.close()
            self._watcher = None
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_LIMIT_S
        for process in self._processes.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()

    def _output(self, name: str) -> Path:
        folder = self._home / "output"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.txt"

    def _last_words(self, name: str) -> str:
        lines = self._output(name).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it said nothing (exit code {self._processes[name].returncode})"


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)
