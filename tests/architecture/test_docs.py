"""What the pages point to is there, and their lines are short."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.architecture.pages import PAGES, ROOT, leads_somewhere, links, name, prose

LINKS = [(page, link) for page in PAGES for link in links(page)]
TESTS = [(page, test) for page in PAGES for test in re.findall(r"`([\w/.]+::\w+)`", page.read_text("utf-8"))]
CONTRACTS = [path.read_text() for path in (ROOT / "tests" / "solidity").glob("*.t.sol")]
DECISIONS = sorted(
    page for page in (ROOT / "docs" / "decisions").glob("*.md") if page.name not in ("README.md", "superseded.md")
)
STATUS = re.compile(r"\*20\d\d-\d\d-\d\d · (accepted|superseded( in part)? by \[[^]]+\]\([^)]+\))\*")


def exists(name: str) -> bool:
    """Whether there is such a test: ``file.py::test``, or ``Contract::test`` in Solidity."""
    place, test = name.split("::")
    if place.endswith(".py"):
        path = ROOT / place
        return path.is_file() and re.search(rf"^def {test}\(", path.read_text(), re.MULTILINE) is not None
    bodies = [re.search(rf"^contract {place} .*?^}}", text, re.MULTILINE | re.DOTALL) for text in CONTRACTS]
    return any(body is not None and f"function {test}(" in body.group() for body in bodies)


@pytest.mark.parametrize(("page", "link"), LINKS, ids=lambda value: name(value) if isinstance(value, Path) else value)
def test_links_lead_somewhere(page: Path, link: str) -> None:
    assert leads_somewhere(page, link), f"{name(page)} links to {link}"


def test_dead_links_are_noticed() -> None:
    page = ROOT / "README.md"
    assert leads_somewhere(page, "#two-commands")
    assert not leads_somewhere(page, "#no-such-heading")
    assert not leads_somewhere(page, "docs/nothing.md")
    assert not leads_somewhere(page, "docs/work.md#no-such-heading")


@pytest.mark.parametrize(("page", "test"), TESTS, ids=lambda value: name(value) if isinstance(value, Path) else value)
def test_tests_named_in_the_docs_exist(page: Path, test: str) -> None:
    assert exists(test), f"{name(page)} names {test}"


def test_what_does_not_exist_is_noticed() -> None:
    assert not exists("tests/economics/test_prices.py::test_nothing")
    assert not exists("DemandsTest::test_nothing")
    assert not exists("BountiesTest::test_pitfall_03_withheld_data_is_slashed")  # of another contract


def test_every_attack_in_the_economics_has_a_test() -> None:
    _, attacks = (ROOT / "docs" / "economics.md").read_text().split("## Why each attack loses")
    bullets = re.split(r"^- ", attacks, flags=re.MULTILINE)[1:]
    assert len(bullets) >= 8
    for bullet in bullets:
        assert "::test_" in bullet, bullet


@pytest.mark.parametrize("page", ["README.md", "docs/scaling.md"])
def test_gas_on_a_page_is_the_recorded_one(page: str) -> None:
    recorded = json.loads((ROOT / "tests" / "bench" / "gas.json").read_text())
    text = (ROOT / page).read_text()
    for call in ("propose", "attest", "finalize"):
        assert f"{recorded[f'gas.{call}']:,}" in text


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_decisions_have_a_date_and_a_status(page: Path) -> None:
    for decision in prose(page).split("\n## ")[1:]:
        title, _, text = decision.partition("\n\n")
        status = text.split("\n\n")[0].replace("\n", " ")
        assert STATUS.fullmatch(status), f"{name(page)}: {title}: {status}"


def test_all_decisions_are_in_the_list() -> None:
    listed = set(links(ROOT / "docs" / "decisions" / "README.md"))
    assert {page.name for page in DECISIONS} | {"superseded.md"} <= listed
