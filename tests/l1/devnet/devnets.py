"""Devnets that a test starts and kills."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from pol_oracle.l1.devnet.anvil import Devnet


def start(folder: Path, **options: object) -> Devnet:
    return Devnet.start(folder, **({"port": 0, "block_time_s": None, "save_interval_s": 1} | options))  # type: ignore[arg-type]


def wait_until(true: Callable[[], bool], limit_s: float = 60.0) -> None:
    limit = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < limit, "it did not happen"
        time.sleep(0.02)


def pid_of(net: Devnet) -> int:
    pid = net.status().pid
    assert pid is not None
    return pid


def kill(net: Devnet) -> None:
    pid = pid_of(net)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
