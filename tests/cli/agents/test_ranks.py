"""Helpers of a miner on the same machine: where they meet, and that none is left behind."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from pol_oracle.cli.network.ranks import command, ranks
from pol_oracle.cli.settings import Settings
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.process import command_line
from tests.cli.conftest import Pol

HELPER = """
import json, os, sys, time
names = ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
print(json.dumps({"pid": os.getpid(), **{name: os.environ[name] for name in names}}), flush=True)
time.sleep(600)
"""
LIMIT_S = 30.0


def said(path: Path) -> dict[str, str]:
    """What a helper printed, once it has."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if path.exists() and path.read_text().endswith("\n"):
            return dict(json.loads(path.read_text()))
        time.sleep(0.02)
    raise AssertionError(f"nothing in {path}")


@pytest.mark.parametrize("ending", [None, RuntimeError])
def test_helpers_know_where_to_meet_and_end_with_the_leader(tmp_path: Path, ending: type[Exception] | None) -> None:
    settings = Settings(home=tmp_path)
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
        assert command_line(int(helper["pid"])) == ""


def test_a_helper_needs_no_account(tmp_path: Path) -> None:
    words = command(Settings(home=tmp_path, rpc="http://l1"), ["a", "b"], 2)

    assert words[3:] == [
        *("--home", str(tmp_path), "--rpc", "http://l1", "miner", "run"),
        *("--threads", "2", "--store", "a", "--store", "b"),
    ]


def test_torchrun_counts_processes_itself(pol: Pol, deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)

    assert "leave --processes away" in pol("miner", "run", "--dev", 1, "--processes", 2).sentence
