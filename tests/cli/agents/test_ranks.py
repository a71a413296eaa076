"""Helpers of a miner on the same machine: where they meet, and that none is left behind."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pol_oracle.cli.network import ranks as ranks_module
from pol_oracle.cli.network.ranks import FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S, Helper, command, ranks
from pol_oracle.cli.settings import Settings
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet import process
from pol_oracle.l1.devnet.process import command_line
from tests.cli.conftest import Pol

HELPER = """
import json, os, sys, time
names = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "POL_RPC")
print(json.dumps({"pid": os.getpid(), **{name: os.environ[name] for name in names}}), flush=True)
time.sleep(600)
"""
LIMIT_S = 30.0


def said(path: Path, lines: int = 1) -> dict[str, str]:
    """The last line that helpers printed, once there are so many."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if path.exists() and path.read_text().count("\n") == lines:
            return dict(json.loads(path.read_text().splitlines()[-1]))
        time.sleep(0.02)
    raise AssertionError(f"nothing in {path}")


@pytest.mark.parametrize("ending", [None, RuntimeError])
def test_helpers_know_where_to_meet_and_end_with_the_leader(tmp_path: Path, ending: type[Exception] | None) -> None:
    settings = Settings(home=tmp_path, rpc="http://l1/key")
    try:
        with ranks(3, settings, [sys.executable, "-c", HELPER]) as rendezvous:
            helpers = [said(settings.agents / f"helper-{rank}.out") for rank in (1, 2)]
            if ending is not None:
                raise ending
    except RuntimeError:
        assert ending is RuntimeError

    assert (rendezvous.rank, rendezvous.hosted) == (0, False)
    for rank, helper in enumerate(helpers, 1):
        assert helper["RANK"] == helper["LOCAL_RANK"] == str(rank)
        assert (helper["MASTER_ADDR"], helper["MASTER_PORT"]) == (rendezvous.host, str(rendezvous.port))
        assert helper["POL_RPC"] == "http://l1/key"
        assert command_line(int(helper["pid"])) == ""


def test_a_helper_that_dies_is_started_again_later_and_later(tmp_path: Path) -> None:
    now = 0.0
    helper = Helper(1, [sys.executable, "-c", "print('so I went')"], {}, tmp_path / "out", lambda: now)
    pauses = []
    with capture_logs() as said:
        for lived in (1, 1, 1, 1, 1, 1, 1, STEADY_S + 1):
            helper.process.wait()
            now += lived
            helper.look()
            died, before = now, helper.process
            while helper.process is before:
                now += 0.5
                helper.look()
            pauses.append(now - died)
    helper.process.wait()

    assert pauses == [2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S, FIRST_PAUSE_S]
    assert (tmp_path / "out").read_text() == 9 * "so I went\n"
    assert [(entry["event"], entry["rank"], entry["code"]) for entry in said] == [
        ("a helper ended and is started again", 1, 0)
    ] * len(pauses)


def test_a_killed_helper_comes_back_and_ends_with_the_leader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks_module, "LOOK_S", 0.01)
    monkeypatch.setattr(ranks_module, "FIRST_PAUSE_S", 0.01)
    settings = Settings(home=tmp_path, rpc="http://l1")
    with ranks(2, settings, [sys.executable, "-c", HELPER]):
        out = settings.agents / "helper-1.out"
        first = said(out)
        os.kill(int(first["pid"]), signal.SIGKILL)
        second = said(out, lines=2)
    assert second["pid"] != first["pid"]
    assert command_line(int(second["pid"])) == ""


def test_what_a_helper_prints_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "OUTPUT_BYTES", 1000)
    out = tmp_path / "out"
    helper = Helper(1, [sys.executable, "-c", "print(1000 * 'so I went')"], {}, out, lambda: 0.0)
    helper.process.wait()
    assert out.stat().st_size > 1000
    helper.look()
    assert out.stat().st_size == 0


def test_a_helper_needs_no_account(tmp_path: Path) -> None:
    words = command(Settings(home=tmp_path, rpc="http://l1/key"), ["a", "b"], 2)

    assert words[3:] == [
        *("--home", str(tmp_path), "miner", "run"),
        *("--threads", "2", "--store", "a", "--store", "b"),
    ]


def test_torchrun_counts_processes_itself(pol: Pol, deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)

    assert "leave --processes away" in pol("miner", "run", "--dev", 1, "--processes", 2).sentence
