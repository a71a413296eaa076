"""Where nothing can be printed, commands say so and fail; no traceback, and no silence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import structlog

from pol_oracle.cli.logs import configure
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.ports import free_port

ROOT = Path(__file__).parents[3]

COMMANDS = (("--help",), ("--version",), ("status",), ("status", "--json"), ("bond", "show", "--dev", "1"), ("env",))


def buffered() -> dict[str, str]:
    """This environment, in which Python keeps what it prints for a while, as it does by default."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def run(home: Path, *words: str, script: str = 'exec "$@"', stdout: int | None = None) -> tuple[int, str]:
    command = [sys.executable, "-m", "pol_oracle.cli", "--home", str(home), *words]
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *command], stdout=stdout, stderr=subprocess.PIPE, text=True, env=buffered()
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_closed_standard_output_is_told(home: Path, deployed: Deployment, words: tuple[str, ...]) -> None:
    code, said = run(home, *words, script='exec "$@" >&-')
    assert (code, said.count("\n")) == (1, 1), said
    assert said.startswith("pol: standard output is closed")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("stderr", [">&-", ">/dev/full", ">&- <&-"], ids=["closed", "full", "all closed"])
def test_nobody_has_to_read_what_is_said_besides(
    home: Path, deployed: Deployment, words: tuple[str, ...], stderr: str
) -> None:
    """Without standard error no command did anything at all: no agent either."""
    assert run(home, *words, script=f'exec "$@" 2{stderr}', stdout=subprocess.DEVNULL) == (0, "")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_full_disk_behind_standard_output_is_told(home: Path, deployed: Deployment, words: tuple[str, ...]) -> None:
    code, said = run(home, *words, script='exec "$@" >/dev/full')
    assert (code, said.count("\n")) == (1, 1), said
    assert said.startswith("pol: the disk is full")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_reader_that_has_gone_is_no_error_worth_a_word(
    home: Path, deployed: Deployment, words: tuple[str, ...]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run(home, *words, stdout=writer) == (1, "")
    finally:
        os.close(writer)


OPENS = """
import os, sys
sys.argv = ["pol", "--version"]
from pol_oracle.cli import main
try:
    main()
except SystemExit:
    assert all(os.readlink(f"/proc/self/fd/{number}") == os.devnull for number in range(3))
    os._exit(7)
"""


def test_no_file_gets_the_number_of_a_closed_stream() -> None:
    """Whatever a library prints would be written into it: into a journal, say."""
    command = [sys.executable, "-c", OPENS]
    done = subprocess.run(["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command], cwd=ROOT)
    assert done.returncode == 7


def test_a_warning_that_nobody_can_read_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It ended the thread by which an explorer follows L1, whose pages stood still from then on."""
    with Path("/dev/full").open("w") as full, pytest.MonkeyPatch.context() as patch:
        configure("warning")
        patch.setattr(sys, "stderr", full)
        structlog.get_logger("test").warning("nobody reads this")
        patch.undo()
        structlog.get_logger("test").warning("somebody reads this")
        structlog.reset_defaults()
        with suppress(OSError):
            full.close()
    assert "somebody reads this" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("explorer",), ("store", "serve")], ids=" ".join)
def test_servers_serve_though_nobody_can_be_told_where(
    home: Path, deployed: Deployment, words: tuple[str, ...]
) -> None:
    (home / "store").mkdir()
    port = free_port()
    command = [sys.executable, "-m", "pol_oracle.cli", "--home", str(home), *words, "--port", str(port)]
    with Path("/dev/full").open("w") as full, subprocess.Popen(command, stdout=full, stderr=full) as server:
        try:
            assert answers(server, port)
        finally:
            server.kill()


def answers(server: subprocess.Popen[bytes], port: int, limit_s: float = 60.0) -> bool:
    """Whether something listens before the process ends."""
    deadline = time.monotonic() + limit_s
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        time.sleep(0.1)
    return False
