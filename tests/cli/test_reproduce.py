"""``pol reproduce``: what it prints and writes, and that it goes on after any end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Pol
from tests.reproduce.runs import mined

CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT_S = 100.0
TASK = """
name = "small"
model = "cnn"
rules = "paper"
learning_rate = 0.05
[data]
train = 256
test = 256
[chain]
difficulty_bits = 3
"""


@pytest.fixture(autouse=True)
def _same_signals_afterwards() -> Iterator[None]:
    """The command handles signals; in process that would outlive it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "task.toml"
    path.write_text(TASK)
    return path


def test_it_writes_a_table_and_a_picture(pol: Pol, home: Path, task: Path) -> None:
    said = pol("reproduce", "figure1", "--task", task, "--blocks", 2)

    out = home / "figure1"
    assert said.code == 0, said.err
    assert len(mined(out / "figure1.csv")) == 2
    assert (out / "figure1.png").read_bytes().startswith(b"\x89PNG")
    first, second, *facts = said.out.splitlines()
    assert first.startswith("block   1 of 2")
    assert second.startswith("block   2 of 2")
    names = [fact.split()[0] for fact in facts]
    assert names == ["blocks", "wanted", "steps", "cpu_seconds", "accuracy", "csv", "png"]
    assert facts[-1].split()[1] == str(out / "figure1.png")


def test_a_second_call_goes_on(pol: Pol, task: Path, tmp_path: Path) -> None:
    words = ("reproduce", "figure1", "--task", task, "--out", tmp_path / "run")
    pol(*words, "--blocks", 1)

    said = pol(*words, "--blocks", 2, "--json")

    assert said.json["blocks"] == said.json["wanted"] == 2
    assert said.json["steps"] == sum(int(row["tries"]) for row in mined(tmp_path / "run" / "figure1.csv"))
    assert said.json["cpu_seconds"] >= 0
    assert said.json["csv"] == str(tmp_path / "run" / "figure1.csv")
    assert said.json["png"] == str(tmp_path / "run" / "figure1.png")
    assert said.json["accuracy"] == float(mined(tmp_path / "run" / "figure1.csv")[-1]["accuracy"])
    assert "going on after block 1" in said.err


def test_the_bits_are_the_tasks_unless_given(pol: Pol, task: Path, tmp_path: Path) -> None:
    words = ("reproduce", "figure1", "--task", task, "--out", tmp_path / "run", "--blocks", 1)
    pol(*words)

    assert pol(*words, "--bits", 3).code == 0
    said = pol(*words, "--bits", 2)

    assert said.code == 1
    assert "with k = 3, not of" in said.sentence
    assert "choose another --out" in said.sentence


def test_a_task_of_other_rules_is_refused(pol: Pol, task: Path) -> None:
    task.write_text(TASK.replace("paper", "hardened"))

    said = pol("reproduce", "figure1", "--task", task, "--blocks", 1)

    assert said.code == 1
    assert "mined under the rule set paper" in said.sentence


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_is_ended_goes_on_to_the_same_chain(
    pol: Pol, home: Path, task: Path, tmp_path: Path, number: signal.Signals
) -> None:
    ended, whole = tmp_path / "ended", tmp_path / "whole"
    words = ["--home", home, "reproduce", "figure1", "--task", task, "--blocks", 10**6, "--out", ended]
    command = [sys.executable, "-m", "pol_oracle.cli", *map(str, words)]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + LIMIT_S
        while not (ended / "figure1.csv").exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        _, err = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    assert process.returncode == (-number if number == signal.SIGKILL else os.EX_OK), err
    assert (ended / "figure1.png").exists() == (number != signal.SIGKILL)

    blocks = len(mined(ended / "figure1.csv")) + 2
    for out in (ended, whole):
        assert pol("reproduce", "figure1", "--task", task, "--blocks", blocks, "--out", out).code == 0
    assert mined(ended / "figure1.csv") == mined(whole / "figure1.csv")


def test_learning_writes_a_table_and_a_picture(pol: Pol, task: Path, tmp_path: Path) -> None:
    task.write_text(TASK.replace('"paper"', '"hardened"\ntraining_steps = 8'))
    words = ("reproduce", "learning", "--task", task, "--samples", 30, "--seeds", 2, "--out", tmp_path / "run")

    said = pol(*words)
    again = pol(*words, "--json")

    assert said.code == again.code == 0, said.err + again.err
    assert [line.split(" samples")[0] for line in said.out.splitlines()[:2]] == ["seed 1       36", "seed 2       36"]
    assert again.json["samples"] == {"1": 36, "2": 36}
    assert Path(again.json["csv"]).is_file()
    assert Path(again.json["png"]).read_bytes().startswith(b"\x89PNG")
