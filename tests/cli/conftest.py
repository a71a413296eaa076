"""A home folder with a deployment in it, and ``pol`` in process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pol_oracle.cli.app import app
from pol_oracle.fixtures.l1 import L1
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from tests.cli.schemas import check


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout holds as JSON, without its envelope."""
        return json.loads(self.out)["data"]

    @property
    def lines(self) -> list[Any]:
        """The same of a stream, one line each."""
        return [json.loads(line)["data"] for line in self.out.splitlines()]

    @property
    def sentence(self) -> str:
        """The one line on stderr, without logs."""
        lines = [line for line in self.err.splitlines() if line.startswith("pol: ")]
        assert len(lines) == 1, self.err
        return lines[0]


Pol = Callable[..., Said]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POL_HOME", "POL_RPC", "POL_PASSWORD_FILE", "POL_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder."""
    return tmp_path / "home"


@pytest.fixture
def pol(home: Path) -> Pol:
    """``pol("bond", "show", "--dev", 1)``: runs a command in the home folder."""

    def run(*words: object) -> Said:
        arguments = ["--home", str(home), "--log-level", "error", *map(str, words)]
        result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
        if "--json" in words:
            _check(result.stdout)
        return Said(result.exit_code, result.stdout, result.stderr)

    return run


def _check(printed: str) -> None:
    """What is printed as JSON is one document, or one a line, as its schema says."""
    streamed = not printed.startswith("{\n")
    for text in printed.splitlines() if streamed else [printed]:
        check(json.loads(text))


@pytest.fixture
def deployed(home: Path, deployment: Deployment) -> Deployment:
    """The synthetic deployment, known to the home folder; every L1 block counts at once."""
    known = deployment.model_copy(update={"confirmations": 0})
    known.save(home / "deployment.json")
    return known


@pytest.fixture
def l1(client: Client, deployed: Deployment) -> L1:
    """Acts on the deployment's L1."""
    return L1(client, deployed.task)
