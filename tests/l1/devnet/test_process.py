"""Groups of processes, and whether they are gone."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pol_oracle.l1.devnet.process import end_group, gone, spawn


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
