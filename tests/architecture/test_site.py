"""The site builds: every link and anchor leads somewhere, every docstring can be read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.pages import ROOT


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "decide_verifier" in (tmp_path / "api" / "agents" / "index.html").read_text("utf-8")
    loaded = re.findall(
        r"<(?:script|link|img)[^>]+(?:src|href)=\"?(https?://[^\s\">]+)", (tmp_path / "index.html").read_text("utf-8")
    )
    assert loaded == []  # whoever reads it asks nobody else
