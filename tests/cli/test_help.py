"""Every command and every option explains itself, quickly."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
import typer.main

from pol_oracle.cli.app import app

NEEDED = """
up, top, doctor,
devnet up, devnet down, devnet status, devnet reset, devnet fund, deploy, keys new, keys import, keys list,
bond deposit, bond withdraw, bond show, miner run, verifier run, blocks list, blocks show, blocks verify, blocks watch,
task show, status, explorer, store serve, store prune, state export, plot, logs, env, bench, demo, challenge,
reproduce figure1, reproduce learning, simulate, soak
"""
PRINTING = """
up, top, doctor,
devnet up, devnet down, devnet status, devnet reset, devnet fund, deploy, keys new, keys import, keys list,
bond deposit, bond withdraw, bond show, miner run, verifier run, blocks list, blocks show, blocks verify, blocks watch,
task show, status, explorer, store serve, store prune, state export, plot, logs, env, bench, demo, challenge,
reproduce figure1, reproduce learning, simulate, soak
"""
UNITS = (
    "Threads",
    "Seconds",
    "ETH",
    "port",
    "percent",
    "How many",
    "number",
    "Stop after",
    "Honest blocks",
    "steps",
    "L1 blocks",
)


def names(text: str) -> set[str]:
    return {name.strip() for name in text.replace("\n", " ").split(",")}


def commands(group: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    root: Any = typer.main.get_command(app)
    for name, command in (group or root).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def test_there_is_every_command_users_need() -> None:
    assert {name for name, _ in commands()} == names(NEEDED)


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_command_and_options_have_help(name: str, command: Any) -> None:
    assert command.help
    for parameter in command.params:
        assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_numbers_say_what_they_count(name: str, command: Any) -> None:
    function = inspect.unwrap(command.callback)
    for parameter, hint in get_type_hints(function, include_extras=True).items():
        if get_origin(hint) is Annotated and {int, float} & {hint.__origin__, *get_args(hint.__origin__)}:
            text = hint.__metadata__[0].help
            assert any(unit in text for unit in UNITS), f"{name} {parameter}: {text}"


def test_whatever_prints_prints_json() -> None:
    having = {name for name, command in commands() if any("--json" in p.opts for p in command.params)}

    assert having == names(PRINTING)


def test_help_loads_nothing_heavy() -> None:
    heavy = ["torch", "numba", "web3", "matplotlib", "numpy", "sklearn", "eth_abi", "pydantic", "structlog", "requests"]
    script = (
        "import sys; from typer.testing import CliRunner; from pol_oracle.cli.app import app;"
        "result = CliRunner().invoke(app, ['--help']); assert result.exit_code == 0, result.output;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_module_stands_in_for_the_command() -> None:
    shown = subprocess.run([sys.executable, "-m", "pol_oracle.cli", "--help"], capture_output=True, text=True)

    assert shown.returncode == 0
    assert "Usage: pol" in shown.stdout
