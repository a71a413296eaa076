"""The demo itself, with fewer blocks and less data: same parties, same processes, same promises."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import processes_of

TASK = """
name = "small"
learning_rate = 0.1
training_steps = 8

[data]
train = 2048
test = 256

[chain]
challenge_window = 14
answer_window = 12
difficulty_bits = 8
"""
BLOCKS = 2


def command(folder: Path, *options: str) -> list[str]:
    task = folder / "small.toml"
    task.write_text(TASK)
    home = ["--home", str(folder / "home"), "--log-level", "error"]
    return [sys.executable, "-m", "pol_oracle.cli", *home, "demo", "--task", str(task), "--out", str(folder), *options]


def test_demo_keeps_its_promises(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, "--blocks", str(BLOCKS), "--limit", "240", "--json"), capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout)["data"]
    assert report == json.loads((tmp_path / "demo.json").read_text())
    assert report["problems"] == []
    assert report["finalized"] >= BLOCKS
    assert set(report["slashed"]) <= {"requirement", "step", "accuracy", "withheld"}
    assert report["slashed"]["withheld"] >= 1
    assert sum(report["slashed"].values()) >= 5
    assert {"verifier-1", "colluder-1", "colluder-2", "colluder-3"} <= set(report["demands"])
    assert report["rejected"]["IndexMismatch"] >= 1
    heights = [str(h) for h in range(1, len(report["accuracy"]) + 1)]
    assert list(report["accuracy"]) == list(report["interval_s"]) == heights
    assert (tmp_path / "figure1.png").read_bytes().startswith(b"\x89PNG")
    for name, account in report["balances"].items():
        cheat = account["part"].startswith("cheat")
        honest = account["part"].startswith("honest")
        assert account["net_eth"] >= 0 if honest else account["net_eth"] < 0, name
        assert not cheat or account["bond_eth"] == 0, name
    assert processes_of(tmp_path) == []
    assert list((tmp_path / "home" / "demo").iterdir()) == []


@pytest.mark.timeout(120)
def test_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    demo = subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    for line in demo.stdout:
        if "all processes are started" in line:
            break
    assert len(processes_of(tmp_path)) > 13
    time.sleep(1)

    demo.send_signal(signal.SIGINT)
    demo.stdout.read()

    assert demo.wait(60) == 130
    assert processes_of(tmp_path) == []
    assert list((tmp_path / "home" / "demo").iterdir()) == []
