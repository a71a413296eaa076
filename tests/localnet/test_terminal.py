"""A person at a terminal: `pol up` with a cheat, `pol top` beside it, Ctrl-C, `up` again; and pipes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.cli.schemas import check
from tests.processes import processes_of

TASK = """
name = "small"
learning_rate = 0.1
training_steps = 32

[data]
train = 4096
test = 512

[chain]
challenge_window = 12
answer_window = 10
difficulty_bits = 9
"""
LIMIT_S = 200
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
FINAL = re.compile(r"stopped with (\d+) own blocks final")


def environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("POL_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_"))}
    return kept | {"TERM": "xterm-256color"} | more


def words(folder: Path, *command: str) -> list[str]:
    return ["-m", "pol_oracle.cli", "--home", str(folder / "home"), "--log-level", "error", *command]


def terminal(folder: Path, columns: int, *command: str) -> pexpect.spawn[str]:
    return pexpect.spawn(
        sys.executable,
        words(folder, *command),
        env=environment(),
        dimensions=(50, columns),
        encoding="utf-8",
        codec_errors="replace",  # the terminal echoes ^C wherever the output stands, within a character too
        timeout=LIMIT_S,
        maxread=1 << 16,
    )


def piped(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words(folder, *command)], env=environment(NO_COLOR="1"), capture_output=True, text=True
    )


def widest(shown: str) -> int:
    """Columns of the longest line that was drawn."""
    lines = re.split(r"\x1b\[\d*[AH]|[\r\n]", shown)  # a redraw moves the cursor up
    return max(len(ESCAPE.sub("", line)) for line in lines)


@pytest.mark.timeout(3 * LIMIT_S)
def test_a_network_is_brought_up_watched_cheated_stopped_and_goes_on(tmp_path: Path) -> None:
    task = tmp_path / "small.toml"
    task.write_text(TASK)

    up = terminal(tmp_path, 80, "up", "--task", str(task), "--cheat", "no-search")
    up.expect("no-search started")
    shown = up.before
    up.expect(r"miner-1 proposes")
    shown += up.before

    top = terminal(tmp_path, 60, "top")
    top.expect("newest blocks")
    assert "verifier-2" in top.before
    assert widest(top.before) <= 60
    top.sendintr()
    top.expect(pexpect.EOF)
    top.close()
    assert top.exitstatus == 0

    plain = piped(tmp_path, "top")
    assert plain.returncode == 0 and not ESCAPE.search(plain.stdout)
    assert "no-search" in plain.stdout and "cheat" not in plain.stderr

    up.expect(r"slashed for\s+(requirement|withheld)")
    shown += up.before
    assert widest(shown) <= 80
    up.sendintr()
    up.expect(FINAL)
    before = int(up.match[1])
    up.expect(pexpect.EOF)
    up.close()
    assert up.exitstatus == 0
    assert processes_of(tmp_path) == []

    again = piped(tmp_path, "up", "--blocks", "1")
    assert again.returncode == 0, again.stderr
    assert not ESCAPE.search(again.stdout)
    assert "deploying" not in again.stdout and "is final" in again.stdout
    found = FINAL.search(again.stderr)
    assert found is not None and int(found[1]) > before
    assert processes_of(tmp_path) == []

    told = piped(tmp_path, "up", "--blocks", "1", "--json")
    assert told.returncode == 0, told.stderr
    records = [json.loads(line) for line in told.stdout.splitlines()]
    for record in records:
        check(record)
    data = [record["data"] for record in records]
    assert {record["event"] for record in data} == {"said", "network", "stopped"}
    assert data[-1]["own_final"] > int(found[1])
