"""The manual page, the systemd unit and the compose file say what there is."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from pol_oracle.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"


def parsed(words: list[str]) -> dict[str, Any]:
    """What ``pol`` takes words for; raises where it does not take them."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words[0]]
        words = words[1:]
    context = command.make_context("pol", list(words))
    return dict(context.params)


def test_the_manual_page_is_of_these_commands() -> None:
    made = subprocess.run([sys.executable, ROOT / "tools" / "man_page.py"], capture_output=True, text=True, check=True)

    assert (ROOT / "docs" / "pol.1").read_text() == made.stdout, "python tools/man_page.py > docs/pol.1"


def test_the_manual_page_is_roff() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff")

    done = subprocess.run([groff, "-man", "-Tutf8", "-ww", ROOT / "docs" / "pol.1"], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert "proof of learning on Ethereum" in done.stdout


def test_the_unit_runs_a_command_that_there_is() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "pol-verifier@.service")

    program, *words = shlex.split(unit["Service"]["ExecStart"])

    assert Path(program).name == "pol"
    taken = parsed(words)
    assert taken["account"] == "%i" and str(taken["password_file"]) == "%d/password"
    assert (unit["Service"]["KillSignal"], unit["Install"]["WantedBy"]) == ("SIGINT", "multi-user.target")


def test_the_services_of_compose_run_commands_that_there_are() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

    assert set(compose["services"]) == {"miner", "verifier", "states"}
    for service in compose["services"].values():
        taken = parsed(list(service["command"]))
        for secret in service.get("secrets", ()):
            assert secret in compose["secrets"]
            assert str(taken["password_file"]) == f"/run/secrets/{secret}"
        assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
        assert service["environment"]["POL_HOME"] == service["volumes"][0].partition(":")[2]
