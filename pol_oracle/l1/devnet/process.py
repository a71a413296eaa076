"""Processes in groups of their own: started, recognised by their command line, and ended with all their children.

Whoever started them is itself ended such that it can end them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

STOP_LIMIT_S = 15.0
OUTPUT_BYTES = 4 << 20  # of what a process printed


def spawn(command: list[str], folder: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Starts a process in a session, and so a process group, of its own: Ctrl-C here does not reach it."""
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
    )


def keep_short(output: Path) -> None:
    """Lets the file that a process prints to begin anew when it is long, for as long as that one appends to it."""
    with suppress(OSError):  # somebody has removed it
        if output.stat().st_size > OUTPUT_BYTES:
            os.truncate(output, 0)


def spawn_watcher(*groups: int, patience_s: float = 2.0) -> subprocess.Popen[bytes]:
    """Starts a watcher that ends groups when this process is gone: then its standard input is at an end.

    Args:
        groups: asked first, then killed.
        patience_s: seconds in between.
    """
    them = " ".join(f"-{group}" for group in groups)
    script = f"read _; kill -s TERM -- {them}; sleep {patience_s:g}; kill -s KILL -- {them}"
    return subprocess.Popen(
        ["/bin/sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def command_line(pid: int) -> str:
    """Command line of a living process, "" if there is none; /proc where there is one, else ps."""
    if Path("/proc/self").exists():
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
        return "" if stat.rpartition(")")[2].split()[0] == "Z" else line
    return subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True).stdout


@contextmanager
def signals_raise(*numbers: signal.Signals) -> Iterator[None]:
    """Makes signals unwind the stack as Ctrl-C does, so that everything is cleaned up; in the main thread alone.

    Args:
        numbers: SIGTERM and SIGHUP, if none is given.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = numbers or (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def end_group(group: int) -> None:
    """Ends a process group: asked first, then killed; waits until it is gone."""
    limit = time.monotonic() + STOP_LIMIT_S
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, sign)
        except ProcessLookupError:
            return
        while time.monotonic() < limit:
            if gone(group):
                return
            time.sleep(0.02)
        limit = time.monotonic() + STOP_LIMIT_S


def gone(pid: int) -> bool:
    """Whether a group's leader has ended; reaps it if it is our child."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:  # not ours, or reaped already
        return not command_line(pid)
