"""What an agent shows: a line that replaces itself on a terminal, entries everywhere, and all of it only if it can."""

from __future__ import annotations

import errno
import io
import json as json_module
import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pol_oracle.agents.config import AgentConfig
from pol_oracle.cli.live import Outlet, live
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account

ROOT = Path(__file__).parents[2]
AGENT = r"""
import os, sys
from dataclasses import dataclass
from pol_oracle.cli.live import live

@dataclass(frozen=True)
class Config:
    tell: object = None
    show: object = None

with live(Config(), False, line=True) as config:
    for line in sys.stdin:
        config.tell({"event": line.strip()})
        if config.show:
            config.show(line.strip())
        os.write(2, f"did {line.strip()}\n".encode())
"""


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def config(deployment: Deployment, tmp_path: Path) -> AgentConfig:
    return AgentConfig(deployment, dev_account(1), "miner", tmp_path, tmp_path)


def shown(config: AgentConfig, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, json: bool) -> str:
    """What is on a stream after an entry, and a line if one is wanted."""
    monkeypatch.setattr(sys, "stdout", stream)
    with live(config, json, line=True) as watched:
        assert watched.tell is not None
        if watched.show is not None:
            watched.show("100 tries/s")
        watched.tell({"event": "found", "block": "[ab]"})
    return stream.getvalue()


def test_no_line_without_a_terminal(config: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(config, io.StringIO(), monkeypatch, json=False)
    assert text.endswith("found      block=[ab]\n")
    assert "tries/s" not in text


def test_on_a_terminal_lines_and_entries_are_shown(config: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(config, Screen(), monkeypatch, json=False)
    assert "block=[ab]" in text
    assert "tries/s" in text


def test_json_stays_json(config: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(config, Screen(), monkeypatch, json=True)
    assert json_module.loads(text)["data"] == {"event": "found", "block": "[ab]"}


def started(stdout: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", AGENT]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE, text=True)


def does(agent: subprocess.Popen[str], word: str) -> bool:
    """Gives it something to do and says whether it was done."""
    assert agent.stdin is not None and agent.stderr is not None
    agent.stdin.write(f"{word}\n")
    agent.stdin.flush()
    return agent.stderr.readline() == f"did {word}\n"


def test_closed_terminal_ends_no_agent() -> None:
    outer, inner = pty.openpty()
    agent = started(inner)
    os.close(inner)
    with agent:
        assert does(agent, "one")
        os.close(outer)
        agent.send_signal(signal.SIGHUP)
        assert all(does(agent, str(number)) for number in range(20))
        assert agent.stdin is not None
        agent.stdin.close()
    assert agent.returncode == 0


def test_closed_pipe_ends_no_agent() -> None:
    outer, inner = os.pipe()
    agent = started(inner)
    os.close(inner)
    with agent:
        assert does(agent, "one")
        os.close(outer)
        assert all(does(agent, str(number)) for number in range(20))
        assert agent.stdin is not None
        agent.stdin.close()
    assert agent.returncode == 0


def test_reader_that_stands_still_stops_no_agent() -> None:
    outer, inner = os.pipe()
    agent = started(inner)
    os.close(inner)
    with agent:
        assert all(does(agent, "word " * 1000 + str(number)) for number in range(100))
        assert agent.stdin is not None
        agent.stdin.close()
    os.close(outer)


class Disk(io.RawIOBase):
    """Full until it is told otherwise."""

    def __init__(self) -> None:
        self.full, self.refused, self.content = True, threading.Semaphore(0), b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.full:
            self.refused.release()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.content += bytes(data[:3])
        return min(3, len(data))


def test_full_disk_costs_lines_and_nothing_else() -> None:
    disk = Disk()
    stream = io.TextIOWrapper(io.BufferedWriter(disk), encoding="utf-8")
    outlet = Outlet(stream, lambda lost: f"{lost} lines were lost")
    outlet.write("one\n")
    outlet.write("two\nthree\n")
    for _ in range(3):  # the second text, and the note before it
        assert disk.refused.acquire(timeout=60)
    disk.full = False
    outlet.write("again\n")
    outlet.close()
    assert disk.content == b"3 lines were lost\nagain\n"
