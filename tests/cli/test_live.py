"""The live line: on a terminal it replaces itself, and everywhere else there is none."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import rich.console

from pol_oracle.agents.config import AgentConfig
from pol_oracle.chain.deployment import Deployment
from pol_oracle.chain.devnet import dev_account
from pol_oracle.cli.live import live


@pytest.fixture
def config(deployment: Deployment, tmp_path: Path) -> AgentConfig:
    return AgentConfig(deployment, dev_account(1), "miner", tmp_path, tmp_path)


def test_no_line_without_a_terminal(config: AgentConfig) -> None:
    with live(config, json=False) as watched:
        assert watched is config


def test_on_a_terminal_lines_and_entries_are_shown(config: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    screen, plain = io.StringIO(), rich.console.Console
    monkeypatch.setattr(rich.console, "Console", lambda: plain(file=screen, force_terminal=True, width=120))
    with live(config, json=False) as watched:
        assert watched.show is not None
        assert watched.tell is not None
        watched.show("100 tries/s")
        watched.tell({"event": "found", "block": "[ab]"})
    assert "found" in screen.getvalue()
    assert "block=[ab]" in screen.getvalue()
    assert "tries/s" in screen.getvalue()


def test_json_stays_json(config: AgentConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = rich.console.Console
    monkeypatch.setattr(rich.console, "Console", lambda: plain(file=io.StringIO(), force_terminal=True))
    with live(config, json=True) as watched:
        assert watched is config
