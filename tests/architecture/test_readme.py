"""What the README points to is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINKS = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text())


@pytest.mark.parametrize("link", [link for link in LINKS if "://" not in link])
def test_links_of_the_readme_exist(link: str) -> None:
    assert (ROOT / link).is_file()


@pytest.mark.parametrize("page", ["README.md", "docs/scaling.md"])
def test_gas_on_a_page_is_the_recorded_one(page: str) -> None:
    recorded = json.loads((ROOT / "tests" / "bench" / "gas.json").read_text())
    text = (ROOT / page).read_text()
    for call in ("propose", "attest", "finalize"):
        assert f"{recorded[f'gas.{call}']:,}" in text
