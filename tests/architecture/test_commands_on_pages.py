"""Every `pol …` that a page names is a command, with options that it has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from pol_oracle.cli.app import app
from tests.architecture.pages import PAGES, ROOT, name

HISTORY = (ROOT / "docs" / "decisions", ROOT / "CHANGELOG.md")  # what was said of its day stays
ROOT_COMMAND: Any = typer.main.get_command(app)
READ = [page for page in PAGES if not any(page.is_relative_to(past) for past in HISTORY)]


def commands(page: Path) -> Iterator[str]:
    """Yields what a page says after `pol`, in its text and in its shell blocks."""
    text = page.read_text("utf-8")
    yield from (" ".join(found.split()) for found in re.findall(r"(?<!`)`pol ([^`]+)`(?!`)", text))
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from re.findall(r"^(?:\.venv/bin/|torchrun .* )?pol ([^#\n]+)", block, re.MULTILINE)


def fault(line: str) -> str | None:
    """Returns what is wrong with a command, None if nothing is."""
    command: Any = ROOT_COMMAND
    known, words = options(command), shlex.split(line)
    while words and hasattr(command, "commands"):
        word = words.pop(0)
        if word.startswith("-") or not word.islower():
            break  # an option, or a place for any command
        if word not in command.commands:
            return f"there is no command {word!r}"
        command = command.commands[word]
        known |= options(command)
    unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in known]
    return f"unknown options {unknown}" if unknown else None


def options(command: Any) -> set[str]:
    """Returns the options of a command."""
    both = (option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts))
    return {*both, "--help"}


@pytest.mark.parametrize("page", READ, ids=name)
def test_commands_on_a_page_exist(page: Path) -> None:
    wrong = {line: said for line in commands(page) if (said := fault(line)) is not None}
    assert wrong == {}


def test_they_are_found() -> None:
    assert len({line for page in READ for line in commands(page)}) > 50


def test_what_does_not_exist_is_noticed() -> None:
    assert fault("blocks verify HEAD --threads 2") is None
    assert fault("blocks dance") == "there is no command 'dance'"
    assert fault("miner run --training-steps 3") == "unknown options ['--training-steps']"
