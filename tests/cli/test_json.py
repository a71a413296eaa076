"""What ``--json`` prints: one envelope, a schema per command, errors too.

Whatever any test of ``pol`` prints as JSON is checked against these schemas (see ``conftest.py``).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError
from typer.testing import CliRunner

from pol_oracle.cli import session
from pol_oracle.cli.app import app
from pol_oracle.l1.contracts.deployment import Deployment
from tests.cli.conftest import Pol
from tests.cli.schemas import FOLDER, check
from tests.cli.test_help import commands

PAGE = FOLDER.parent / "json.md"
SHARED = {"common", "envelope"}


def test_every_command_that_prints_json_has_a_schema_and_no_other() -> None:
    printing = {name for name, command in commands() if any("--json" in p.opts for p in command.params)}

    assert {path.stem for path in FOLDER.glob("*.json")} - SHARED == {name.replace(" ", "-") for name in printing}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_schemas_are_schemas(path: Path) -> None:
    content = json.loads(path.read_text())

    Draft202012Validator.check_schema(content)
    assert content["$id"] == path.name


def test_the_page_names_every_shared_type() -> None:
    page = PAGE.read_text()

    for name in json.loads((FOLDER / "common.json").read_text())["$defs"]:
        assert f"| {name} |" in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 1, "command": "devnet down", "ok": True},
        {"version": 1, "command": "devnet down", "ok": True, "data": {"stopped": "yes"}},
        {"version": 1, "command": "devnet down", "ok": True, "data": {"stopped": True, "more": 1}},
        {"version": 1, "command": "devnet down", "ok": False, "data": {"stopped": True}},
        {"version": 1, "command": "devnet down", "ok": False, "error": {"kind": "InputError", "message": "no"}},
    ],
)
def test_what_is_not_as_said_is_found(wrong: object) -> None:
    with pytest.raises(ValidationError):
        check(wrong)


def test_an_expected_error_is_json_too(pol: Pol) -> None:
    said = pol("status", "--json")

    assert said.code == 1
    document = json.loads(said.out)
    check(document)
    assert (document["command"], document["ok"]) == ("status", False)
    assert document["error"]["kind"] == "InputError"
    assert said.sentence == f"pol: {document['error']['message']}"


def test_an_unexpected_error_is_json_too(
    pol: Pol, deployed: Deployment, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(session, "history", explode)

    error = json.loads(pol("blocks", "list", "--json").out)["error"]

    assert (error["kind"], error["exit_code"]) == ("RuntimeError", 2)
    assert str(home / "logs") in error["message"]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("blocks", "list", "--limits", "3"), "blocks list"),
        (("blocks", "show"), "blocks show"),
        (("--homer", "x", "status"), "status"),
        (("blocks", "lst"), "blocks"),
    ],
)
def test_a_mistake_on_the_command_line_is_json_too(words: tuple[str, ...], command: str) -> None:
    said = CliRunner().invoke(app, [*words, "--json"])

    document = json.loads(said.stdout)
    check(document)
    assert (said.exit_code, document["error"]["exit_code"], document["command"]) == (2, 2, command)


def test_without_json_nothing_but_text(pol: Pol) -> None:
    assert pol("status").out == ""
