"""A real browser, where there is one. CI must have it; elsewhere these tests skip themselves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

AXE = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LEFT_OUT = ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb", "--hide-scrollbars"]


def required() -> bool:
    """Whether a missing browser is a failure."""
    return os.environ.get("CI") == "1" or os.environ.get("POL_REQUIRE_BROWSER") == "1"


def missing(what: str) -> None:
    """Skips, or fails where the browser has to be."""
    words = f"{what}: install Debian's chromium (apt-get install chromium) and `make setup`"
    if required():
        pytest.fail(words)
    pytest.skip(words)


@contextmanager
def running() -> Iterator[Any]:
    """Starts the browser."""
    executable = next((found for name in NAMES if (found := shutil.which(name))), None)
    if executable is None:
        missing("no chromium on the PATH")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("no playwright in the virtual environment")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=LEFT_OUT)
        yield browser
        browser.close()


class Tab:
    """A page that complains about errors in the console, and about requests that leave its origin.

    Args:
        browser: the browser.
        origin: of the explorer.
        settings: of the context: viewport, colour scheme, JavaScript.
    """

    def __init__(self, browser: Any, origin: str, **settings: Any) -> None:
        self.origin, self.complaints = origin, list[str]()
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._requested)

    def _requested(self, request: Any) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.origin).netloc:
            self.complaints.append(f"asked for {request.url}")

    def open(self, path: str) -> Any:
        """Goes to a page."""
        answer = self.page.goto(self.origin + path)
        assert answer is not None and answer.status == 200, (path, answer and answer.status)
        return self.page

    def close(self) -> None:
        """Closes it; there must have been nothing to complain about."""
        self.context.close()
        assert self.complaints == []

    def violations(self) -> list[tuple[str, list[Any]]]:
        """What axe finds."""
        if not AXE.exists():
            missing("no axe-core in node_modules")
        self.page.evaluate(AXE.read_text("utf-8"))  # the page's own policy would refuse a script element
        found = self.page.evaluate("axe.run()")
        return [(v["id"], [node["target"] for node in v["nodes"]]) for v in found["violations"]]
