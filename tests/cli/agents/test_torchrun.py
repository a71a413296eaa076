"""Ranks under torchrun: Ctrl-C at its terminal ends them without a traceback of torchrun's, if they are ours."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path

import pexpect
import pytest
from torch.distributed.elastic.multiprocessing.api import SignalException

from pol_oracle.cli.network import torchrun

TORCHRUN = Path(sys.executable).with_name("torchrun")
LIMIT_S = 120.0
RANK = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
print("at work", flush=True)
time.sleep(600)
"""


def interrupted(rank: Path) -> str:
    """What is on the terminal after two such ranks were interrupted."""
    words = ["--nproc-per-node", "2", "--no-python", str(rank)]
    terminal = pexpect.spawn(str(TORCHRUN), words, timeout=LIMIT_S, encoding="utf-8", codec_errors="replace")
    try:
        for _ in range(2):
            terminal.expect("at work")
        terminal.sendintr()
        terminal.expect(pexpect.EOF)
    finally:
        terminal.close(force=True)
    assert terminal.exitstatus == 1
    return str(terminal.before)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pol", "other"])
def test_an_interrupt_leaves_a_traceback_for_others_ranks_alone(tmp_path: Path, name: str) -> None:
    program, rank = tmp_path / "rank.py", tmp_path / name
    program.write_text(RANK)
    rank.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, str(program)])}\n")
    rank.chmod(0o755)
    told = interrupted(rank)
    assert ("Traceback" in told) == (name == "other")
    assert ("torchrun ended its ranks after SIGINT" in told) == (name == "pol")


def test_other_errors_are_told_as_always(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda _, error, __: told.append(error))
    monkeypatch.setattr(sys, "argv", ["torchrun", "-m", "pol_oracle.cli", "miner", "run"])
    torchrun.plugin()
    wrong = ValueError("--nproc-per-node many")
    sys.excepthook(ValueError, wrong, None)
    assert told == [wrong]

    sys.excepthook(SignalException, SignalException("ended", sigval=signal.SIGTERM), None)
    assert told == [wrong]
    assert capsys.readouterr().err == "torchrun ended its ranks after SIGTERM\n"
