"""Pages that list what the code has: pitfalls, calls for `cast`, the glossary's symbols."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from pol_oracle.l1.contracts.artifacts import load_artifact
from pol_oracle.protocol.header import Header
from tests.architecture.pages import ROOT

PITFALLS = (ROOT / "docs" / "pitfalls.md").read_text("utf-8").split("\n## ")[1:]
CAST = (ROOT / "docs" / "reading-blocks-with-cast.md").read_text("utf-8")
TESTS = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "tests").rglob("*.sol")]
CONTRACT_OF = {"REGISTRY": "PoLRegistry", "VAULT": "BondVault", "TOKEN": "LearnToken"}


def type_of(parameter: dict[str, Any]) -> str:
    """A parameter's type as `cast` writes it."""
    if not parameter["type"].startswith("tuple"):
        return str(parameter["type"])
    inside = ",".join(type_of(part) for part in parameter["components"])
    return f"({inside}){str(parameter['type']).removeprefix('tuple')}"


def signatures(contract: str) -> Iterator[str]:
    """Yields functions and events of a contract as `cast` takes them, functions with and without their results."""
    for entry in load_artifact(contract).abi:
        if entry["type"] not in ("function", "event"):
            continue
        indexed = (type_of(part) + " indexed" * part.get("indexed", False) for part in entry["inputs"])
        taken = f"{entry['name']}({','.join(indexed)})"
        yield taken
        yield f"{taken}({','.join(type_of(part) for part in entry.get('outputs', []))})"


def commands() -> list[tuple[str, str]]:
    """Returns contract and signature of every command of the page, its variables put in."""
    variables = dict(re.findall(r"^(HEADER|BLOCK)='(.*)'$", CAST, re.MULTILINE))
    called = re.findall(r"\$(REGISTRY|VAULT|TOKEN) .*?['\"]([^'\"]+)['\"]", CAST)
    called += [("REGISTRY", signature) for signature in re.findall(r"decode-calldata \"([^\"]+)\"", CAST)]
    return [(place, re.sub(r"\$(\w+)", lambda name: variables[name[1]], signature)) for place, signature in called]


def test_pitfalls_are_numbered() -> None:
    assert [int(pitfall.split(".")[0]) for pitfall in PITFALLS] == list(range(1, len(PITFALLS) + 1))


@pytest.mark.parametrize("pitfall", PITFALLS, ids=lambda text: text.splitlines()[0])
def test_every_pitfall_names_a_test(pitfall: str) -> None:
    assert re.search(r"`[\w/.]+::test_\w+`", pitfall)


def test_every_pitfall_that_a_test_names_is_in_the_list() -> None:
    named = {int(n) for path in TESTS for n in re.findall(r"test_pitfall_(\d\d)", path.read_text("utf-8"))}
    assert named
    assert named <= set(range(1, len(PITFALLS) + 1))


@pytest.mark.parametrize(("place", "signature"), commands())
def test_what_cast_is_given_is_in_the_contracts(place: str, signature: str) -> None:
    assert signature in set(signatures(CONTRACT_OF[place]))


def test_the_pages_commands_are_found() -> None:
    assert len(commands()) >= 8


def test_the_fields_of_a_header_are_told_in_order() -> None:
    camel = [re.sub(r"_(\w)", lambda letter: letter[1].upper(), field.name) for field in fields(Header)]
    told = ", ".join(camel[:-1]) + f" and {camel[-1]}"
    assert told in " ".join(CAST.split())
