"""A mistake on the command line is told before anything large is loaded, and before L1 is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pol_oracle.cli import session
from pol_oracle.l1.contracts.deployment import Deployment
from tests.cli.conftest import Pol

MISTAKES = [
    ("challenge nonsense --dry-run", "'nonsense' names no block: give `head`"),
    ("challenge head", "choose the key to sign with"),
    ("challenge head --account nobody", "no key 'nobody'"),
    ("blocks verify abc", "at least 4 digits of its id"),
    ("blocks show 0xzzzz", "names no block"),
    ("state export nonsense --out x", "names no block"),
    ("state export head --out /none/x", "create its folder first"),
    ("plot --out /none/x.png", "create its folder first"),
    ("bench cli --record /", "it is a folder"),
    ("bench nonsense", "there is no bench 'nonsense'"),
    ("up --cheat nonsense", "there is no cheat 'nonsense'; choose from: lazy"),
    ("bond show nobody", "no account is known by 'nobody'"),
    ("bond deposit much --role miner --dev 1", "'much' is no amount of ETH"),
    ("bond withdraw much --role miner --dev 1", "'much' is no amount of ETH"),
    ("deploy devnet --force", "choose the key to sign with"),
    ("miner run", "choose the key to sign with"),
    ("verifier run --account nobody", "no key 'nobody'"),
]


@pytest.mark.parametrize(("line", "told"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_mistakes_are_told_before_l1_is_asked(
    pol: Pol, deployed: Deployment, monkeypatch: pytest.MonkeyPatch, line: str, told: str
) -> None:
    def ask(*_: object) -> None:
        raise AssertionError("L1 was asked")

    monkeypatch.setattr(session, "client", ask)

    said = pol(*line.split())

    assert said.code == 1
    assert told in said.sentence


def test_mistakes_are_told_before_the_arithmetic_is_loaded(home: Path, deployed: Deployment) -> None:
    script = f"""
import sys
from typer.testing import CliRunner
from pol_oracle.cli.app import app
for line in {[line for line, _ in MISTAKES]}:
    assert CliRunner().invoke(app, ["--home", {str(home)!r}, *line.split()]).exit_code == 1, line
    print(*(f"{{line}}: {{name}}" for name in ("numba", "torch", "matplotlib") if name in sys.modules))
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert shown.stdout.split() == [], shown.stdout
    assert shown.returncode == 0, shown.stderr


def test_a_miner_that_is_not_bonded_is_told_before_torch_is_loaded(home: Path, deployed: Deployment) -> None:
    script = f"""
import sys
from typer.testing import CliRunner
from pol_oracle.cli.app import app
result = CliRunner().invoke(app, ["--home", {str(home)!r}, "miner", "run", "--dev", "7", "--store", "x"])
print(result.exit_code, "torch" in sys.modules, result.stderr)
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert shown.stdout.startswith("1 False"), shown.stdout + shown.stderr
    assert "bonded as miner" in shown.stdout
