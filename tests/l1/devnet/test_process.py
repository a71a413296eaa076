"""Groups of processes, whether they are gone, and signals to who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pol_oracle.l1.devnet.process import end_group, gone, signals_raise, spawn


def start(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "output").open("wb") as output:
        return spawn(["sleep", "60"], folder, output)


def test_process_that_was_just_started_is_ended_too(tmp_path: Path) -> None:
    """For an instant it has no command line yet, and must not be taken for one that is gone."""
    for _ in range(20):
        process = start(tmp_path)
        end_group(process.pid)
        assert not Path(f"/proc/{process.pid}").exists()


def test_process_that_was_reaped_is_gone(tmp_path: Path) -> None:
    process = start(tmp_path)
    assert not gone(process.pid)
    process.kill()
    process.wait()
    assert gone(process.pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_unwind_like_ctrl_c(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), signals_raise():
        os.kill(os.getpid(), number)
        time.sleep(5)

    assert signal.getsignal(number) is before


def test_signals_that_are_not_named_stay_as_they_are() -> None:
    """Who asks for SIGTERM alone goes on under nohup when the terminal closes."""
    before = signal.getsignal(signal.SIGHUP)
    with signals_raise(signal.SIGTERM):
        assert signal.getsignal(signal.SIGHUP) is before
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


def test_another_thread_handles_no_signals() -> None:
    def handler() -> object:
        with signals_raise():
            return signal.getsignal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(handler).result() is before
