"""A minute of faults on a real network: nothing is lost, and nothing is left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import processes_of

SEED = 22


def command(folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "pol_oracle.cli", "--home", str(folder), "soak", *options]


@pytest.mark.timeout(600)
def test_nothing_is_lost_in_a_minute_of_faults(tmp_path: Path) -> None:
    options = ("--minutes", "1", "--seed", str(SEED), "--json")
    done = subprocess.run(command(tmp_path, *options), capture_output=True, text=True)

    report = json.loads(done.stdout)["data"]
    assert report["problems"] == [], done.stderr[-5000:]
    assert done.returncode == 0
    assert report["seed"] == SEED
    assert report["blocks"]["final"] >= 1
    assert sum(report["faults"].values()) >= 6
    assert processes_of(tmp_path) == []
    assert list((tmp_path / "soak").iterdir()) == []


def test_interrupted_soak_tells_what_it_saw_and_leaves_nothing_behind(tmp_path: Path) -> None:
    soak = subprocess.Popen(
        command(tmp_path, "--minutes", "10", "--seed", str(SEED), "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert soak.stdout is not None
    assert soak.stderr is not None
    for line in soak.stderr:
        if "agents are started" in line:
            break
    assert len(processes_of(tmp_path)) > 5

    soak.send_signal(signal.SIGINT)
    told, _ = soak.communicate(timeout=120)

    assert soak.returncode == 0
    assert json.loads(told)["data"]["problems"] == []
    assert processes_of(tmp_path) == []
    assert list((tmp_path / "soak").iterdir()) == []
