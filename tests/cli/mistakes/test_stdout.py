"""Where nothing can be printed, commands say so and fail; no traceback, and no silence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pol_oracle.l1.contracts.deployment import Deployment

COMMANDS = (("--help",), ("--version",), ("status",), ("status", "--json"), ("bond", "show", "--dev", "1"), ("env",))


def run(home: Path, *words: str, script: str = 'exec "$@"', stdout: int | None = None) -> tuple[int, str]:
    command = [sys.executable, "-m", "pol_oracle.cli", "--home", str(home), *words]
    done = subprocess.run(["/bin/sh", "-c", script, "sh", *command], stdout=stdout, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_closed_standard_output_is_told(home: Path, deployed: Deployment, words: tuple[str, ...]) -> None:
    code, said = run(home, *words, script='exec "$@" >&-')
    assert (code, said.count("\n")) == (1, 1), said
    assert said.startswith("pol: standard output is closed")


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
