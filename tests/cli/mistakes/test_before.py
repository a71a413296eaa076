"""A mistake on the command line is told before anything large is loaded, and before L1 is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
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
    ("deploy nonsense --force --dev 0", "there is no task file nonsense"),
    ("deploy devnet --force --dev 0 --from-state /none/x", "cannot read or write /none/x"),
    ("task show nonsense", "there is no task file nonsense"),
    ("explorer --names /none/x", "the file of names /none/x cannot be read"),
    ("store prune --folder /none", "/none is no folder"),
    ("bench cli --check /none/x", "/none/x"),
    ("simulate --scenario nonsense", "there is no scenario 'nonsense'"),
    ("miner run", "choose the key to sign with"),
    ("verifier run --account nobody", "no key 'nobody'"),
]

TASKS = {  # that cannot be used, and what is told of them
    "broken": ("name = ", "is not TOML"),
    "mistyped": ('name = "x"\nmodle = "cnn"\n', "line 2: modle: there is no such key; did you mean model?"),
    "unknown": ('name = "x"\nmodel = "gpt"\n', "line 2: model: must be one of cnn"),
    "outside": ('name = "x"\nbatch_size = 1\n', "line 2: batch_size: Input should be greater than or equal to 2"),
    "too-hard": ('name = "x"\n[chain]\ndifficulty_bits = 32\n', "line 3: chain.difficulty_bits: difficulty may reach"),
}
TAKING_TASKS = [
    "deploy {} --force --dev 0",
    "task show {}",
    "up --task {}",
    "demo --task {}",
    "reproduce figure1 --task {}",
    "reproduce learning --task {}",
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
    refused = refusals(home, [line for line, _ in MISTAKES])

    assert [told in said for (_, told), said in zip(MISTAKES, refused, strict=True)] == [True] * len(MISTAKES), refused


@pytest.mark.parametrize("name", TASKS)
def test_so_is_a_task_file_that_cannot_be_used(home: Path, deployed: Deployment, tmp_path: Path, name: str) -> None:
    content, told = TASKS[name]
    file = tmp_path / f"{name}.toml"
    file.write_text(content)

    refused = refusals(home, [line.format(file) for line in TAKING_TASKS])

    assert [told in said for said in refused] == [True] * len(TAKING_TASKS), refused


def refusals(home: Path, lines: Sequence[str]) -> list[str]:
    """Returns what a process says to commands that it refuses, one a line, before it has loaded anything large."""
    script = f"""
import sys
from typer.testing import CliRunner
from pol_oracle.cli.app import app
for line in {lines}:
    result = CliRunner().invoke(app, ["--home", {str(home)!r}, *line.split()])
    loaded = [name for name in ("numba", "torch", "matplotlib") if name in sys.modules]
    assert (result.exit_code, loaded) == (1, []), (line, loaded, result.output)
    print(*result.stderr.split())
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.splitlines()


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
