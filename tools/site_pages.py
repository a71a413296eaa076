"""A hook of mkdocs: what the site has beside ``docs/``.

The pages of the checkout's root are put into it (README.md is its start), with links that fit there, and a page of the
API for each package.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PLACES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
PLACES |= {"SECURITY.md": "security.md"}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Adds the decisions and the API to the navigation."""
    topics = sorted(f"decisions/{path.name}" for path in (ROOT / "docs" / "decisions").glob("*.md"))
    config.nav = [*(config.nav or ()), {"Decisions": topics}, {"API": [f"api/{name}.md" for name in packages()]}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are not in ``docs/``."""
    for source, place in PLACES.items():
        text = (ROOT / source).read_text("utf-8")
        files.append(File.generated(config, place, content=within_the_site(text)))
    for package in packages():
        content = f"# {package}\n\n::: pol_oracle.{package}\n"
        files.append(File.generated(config, f"api/{package}.md", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Has links from ``docs/`` to the root's pages lead to where the site has those."""
    return re.sub(r"\]\((?:\.\./)+([A-Z]+\.md)", lambda link: "](" + up(page) + PLACES[link[1]], markdown)


def packages() -> list[str]:
    """Returns the names of the packages, in alphabetical order."""
    return sorted(init.parent.name for init in (ROOT / "pol_oracle").glob("*/__init__.py"))


def within_the_site(text: str) -> str:
    """Returns a root page's text with links as they are seen from the site's root."""
    text = re.sub(r"\]\(docs/", "](", text)
    return re.sub(r"\]\(([A-Z]+\.md)", lambda link: f"]({PLACES[link[1]]}", text)


def up(page: Page) -> str:
    """Returns the way from a page's folder to the site's root."""
    return "../" * page.file.src_uri.count("/")
