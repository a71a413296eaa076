"""The project's pages, and what they name: links, anchors, files, tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
USERS = (".", "pol.toml")  # what these name is a user's
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    """Returns a page's path from the root, as tests are named after it."""
    return page.relative_to(ROOT).as_posix()


def files(text: str) -> Iterator[str]:
    """Yields what a text names in backticks that looks like a file or a folder of the project, and not of a user's."""
    named = (name for name in re.findall(r"`([\w./-]+)`", text) if not name.startswith(USERS))
    yield from (name for name in named if re.search(r"\w\.(py|sol|toml|md)$|\w/\w+/$", name))


def is_there(name: str) -> bool:
    """Whether there is such a file or folder: by its path from the root, or by the last parts of that."""
    return any(path.endswith(f"/{name.rstrip('/')}") for path in _paths())


@cache
def _paths() -> tuple[str, ...]:
    homes = ("pol_oracle", "contracts", "docs", "examples", "scripts", "tasks", "tests", "tools")
    found = [path for home in homes for path in (ROOT / home).rglob("*")]
    return tuple(f"/{path.relative_to(ROOT).as_posix()}" for path in [*found, *ROOT.iterdir()])


def prose(page: Path) -> str:
    """Returns a page's text with empty lines in place of its code blocks."""
    return FENCE.sub(lambda block: "\n" * block.group().count("\n"), page.read_text("utf-8"))


def links(page: Path) -> Iterator[str]:
    """Yields the targets of a page's links and pictures within the project."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    yield from (target for target in targets if "://" not in target and not target.startswith("mailto:"))


def anchors(page: Path) -> set[str]:
    """Returns the anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())).strip("-") for heading in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether a link's file is there, and its anchor too."""
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    return target.exists() and (not anchor or anchor in anchors(target))
