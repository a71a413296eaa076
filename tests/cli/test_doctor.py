"""`pol doctor` on a terminal says what it is looking at; elsewhere it prints its findings and nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect

from tests.cli.conftest import Pol

LIMIT_S = 120


def test_whoever_waits_sees_what_is_looked_at(home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("POL_", "NO_COLOR"))}
    doctor = pexpect.spawn(
        sys.executable,
        ["-m", "pol_oracle.cli", "--home", str(home), "doctor"],
        env=environment | {"TERM": "xterm-256color"},
        encoding="utf-8",
        timeout=LIMIT_S,
    )
    for shown in ("looking at programs", "anvil", "looking at the arithmetic", "right bits", "no L1 is known"):
        doctor.expect(shown)
    doctor.expect(pexpect.EOF)
    doctor.close()
    assert doctor.exitstatus == 0


def test_a_pipe_gets_findings_alone(pol: Pol) -> None:
    for options in ((), ("--json",)):
        said = pol("doctor", *options)
        assert said.code == 0
        assert "looking at" not in said.out + said.err
    assert [finding["name"] for finding in said.json["findings"]][-2:] == ["arithmetic", "RPC"]
