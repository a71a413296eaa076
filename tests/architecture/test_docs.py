"""What the pages point to is there, and their lines are short."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from tests.architecture.pages import PAGES, ROOT, files, is_there, leads_somewhere, links, name, prose

LINKS = [(page, link) for page in PAGES for link in links(page)]
TESTS = [(page, test) for page in PAGES for test in re.findall(r"`([\w/.]+::\w+)`", page.read_text("utf-8"))]
CONTRACTS = [path.read_text() for path in (ROOT / "tests" / "solidity").rglob("*.t.sol")]
DECISIONS = sorted(
    page for page in (ROOT / "docs" / "decisions").glob("*.md") if page.name not in ("README.md", "superseded.md")
)
OUR_SOLIDITY = (path for folder in (".", "interfaces", "lib") for path in (ROOT / "contracts" / folder).glob("*.sol"))
COMMENTED = [*OUR_SOLIDITY, *ROOT.glob("tests/solidity/*/*.sol"), *ROOT.glob("tasks/*.toml")]
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


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_named_on_a_page_are_there(page: Path) -> None:
    assert [file for file in files(page.read_text("utf-8")) if not is_there(file)] == []


def test_files_named_in_docstrings_are_there() -> None:
    missing = {}
    for module in sorted((ROOT / "pol_oracle").rglob("*.py")):
        tree = ast.parse(module.read_text("utf-8"))
        defined = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
        said = " ".join(ast.get_docstring(node) or "" for node in defined)
        named = re.findall(r"(?<![\w*])[\w/]+\.py\b", said)
        if gone := [file for file in named if not is_there(file)]:
            missing[name(module)] = gone
    assert missing == {}


def test_files_that_are_not_there_are_noticed() -> None:
    assert list(files("`agents/nothing.py`, `pol_oracle/nothing/`, `pol demo`")) == [
        "agents/nothing.py",
        "pol_oracle/nothing/",
    ]
    assert not is_there("agents/nothing.py")
    assert not is_there("pol_oracle/nothing/")
    assert is_there("agents/rules/decide.py")


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 130
    assert [line for line in lines if len(line) > 110] == []


def test_folders_in_the_layout_are_there() -> None:
    layout = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("```")[1]
    folders = re.findall(r"(?:^|(?<=\s\s))([a-z_]\w*)/", layout, re.MULTILINE)
    assert len(folders) > 20
    assert [
        folder for folder in folders if not any((ROOT / home / folder).is_dir() for home in ("", "pol_oracle"))
    ] == []


def test_risks_are_numbered_and_each_is_in_the_table() -> None:
    table, _, told = (ROOT / "docs" / "risks.md").read_text("utf-8").partition("\n## Assumptions")
    titles = [" ".join(found.split()) for found in re.findall(r"^- \*\*(.+?)\*\*", told, re.MULTILINE | re.DOTALL)]
    rows = [f"{number}. {title}" for number, title in re.findall(r"^\| (\d+) \| (.+?) \|", table, re.MULTILINE)]
    assert [int(row.split(".")[0]) for row in rows] == list(range(1, len(rows) + 1))
    assert rows == [title.rstrip(".") for title in titles]


def test_every_page_is_in_the_sites_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page.is_relative_to(ROOT / "docs")]
    assert [page for page in pages if not page.startswith("decisions/") and f" {page}\n" not in navigation] == []


def test_the_architecture_names_every_package_and_contract() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    deployed = (path.stem for path in (ROOT / "contracts").glob("*.sol") if path.stem not in ("Calculator", "Types"))
    assert [contract for contract in deployed if f"`contracts/{contract}.sol`" not in text] == []
    packages = (init.parent.name for init in (ROOT / "pol_oracle").glob("*/__init__.py"))
    assert [package for package in packages if f"`pol_oracle/{package}/`" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_lines_of_prose_are_short(page: Path) -> None:
    assert [line for line in prose(page).splitlines() if too_long(line) and not line.lstrip().startswith("|")] == []


@pytest.mark.parametrize("path", COMMENTED, ids=lambda path: str(path.relative_to(ROOT)))
def test_lines_of_comments_are_short(path: Path) -> None:
    comments = re.findall(r"^ *(?:///?|#) .*", path.read_text("utf-8"), re.MULTILINE)
    assert [line for line in comments if too_long(line)] == []


def too_long(line: str) -> bool:
    """Whether a line has more than 120 characters, and could be broken."""
    return len(line) > 120 and max(map(len, line.split())) < 80


def test_both_paths_of_the_architecture_are_short() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    header, attempt = (text.split(f"\n## {title}")[1].split("\n## ")[0] for title in ("A header", "A try"))
    assert len({file for file in files(header) if file.endswith(".py")}) <= 18
    assert len({file for file in files(attempt) if file.endswith(".py")}) <= 14


def test_every_attack_in_the_economics_has_a_test() -> None:
    _, attacks = (ROOT / "docs" / "economics.md").read_text().split("## Why each attack loses")
    bullets = re.split(r"^- ", attacks, flags=re.MULTILINE)[1:]
    assert len(bullets) >= 8
    for bullet in bullets:
        assert "::test_" in bullet, bullet


def test_the_table_of_gas_is_the_recorded_one() -> None:
    recorded = set(json.loads((ROOT / "tests" / "bench" / "gas.json").read_text()).values())
    table = (ROOT / "docs" / "performance.md").read_text().split("## Gas")[1].split("\n## ")[0]
    told = {int(number.replace(",", "")) for number in re.findall(r"\| ([\d,]+) \|$", table, re.MULTILINE)}
    assert len(told) >= 8
    assert told <= recorded


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
