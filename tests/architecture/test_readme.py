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


def test_gas_in_the_readme_is_the_recorded_one() -> None:
    recorded = json.loads((ROOT / "tests" / "bench" / "gas.json").read_text())
    text = (ROOT / "README.md").read_text()
    for call in ("propose", "attest", "finalize"):
        assert f"{call} {recorded[f'gas.{call}']:,}" in text
