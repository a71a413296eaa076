"""What the pages under docs/ point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {path.name: path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}
NAMED = [(page, name) for page, text in PAGES.items() for name in re.findall(r"`([\w/.]+::\w+)`", text)]
CONTRACTS = [path.read_text() for path in (ROOT / "tests" / "solidity").glob("*.t.sol")]


def exists(name: str) -> bool:
    """Whether there is such a test: ``file.py::test``, or ``Contract::test`` in Solidity."""
    place, test = name.split("::")
    if place.endswith(".py"):
        path = ROOT / place
        return path.is_file() and re.search(rf"^def {test}\(", path.read_text(), re.MULTILINE) is not None
    bodies = [re.search(rf"^contract {place} .*?^}}", text, re.MULTILINE | re.DOTALL) for text in CONTRACTS]
    return any(body is not None and f"function {test}(" in body.group() for body in bodies)


@pytest.mark.parametrize(("page", "name"), NAMED)
def test_tests_named_in_the_docs_exist(page: str, name: str) -> None:
    assert exists(name), f"docs/{page} names {name}"


def test_what_does_not_exist_is_noticed() -> None:
    assert not exists("tests/economics/test_prices.py::test_nothing")
    assert not exists("DemandsTest::test_nothing")
    assert not exists("BountiesTest::test_pitfall_03_withheld_data_is_slashed")  # of another contract


def test_every_attack_in_the_economics_has_a_test() -> None:
    _, attacks = PAGES["economics.md"].split("## Why each attack loses")
    bullets = re.split(r"^- ", attacks, flags=re.MULTILINE)[1:]
    assert len(bullets) >= 8
    for bullet in bullets:
        assert "::test_" in bullet, bullet


@pytest.mark.parametrize("page", PAGES)
def test_links_between_the_docs_exist(page: str) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", PAGES[page]):
        assert "://" in link or (ROOT / "docs" / link).is_file()
