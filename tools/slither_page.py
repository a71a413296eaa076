"""Compares what slither found with the page that explains it: ``python tools/slither_page.py report.json [page.md]``.

A row of the page names a detector and the places where it may speak: `Contract.function`, or `Contract` for all of it.
Whatever a row does not name, and whatever it names and slither no longer finds, is printed, and fails.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "slither.md"


def explained(page: str) -> dict[str, set[str]]:
    """Returns the places in each detector's row of a page."""
    rows = re.findall(r"^\| ([a-z0-9, -]+) \| (.+?) \|", page, re.MULTILINE)
    named = {detector: re.findall(r"`([^`]+)`", places) for row, places in rows for detector in row.split(", ")}
    return {detector: set(places) for detector, places in named.items() if places}


def place(finding: dict[str, Any]) -> str:
    """Returns where a finding is: `Contract.function`, or the contract alone."""
    element = finding["elements"][0]
    while element["type"] not in ("function", "contract"):
        element = element["type_specific_fields"]["parent"]
    if element["type"] == "contract":
        return str(element["name"])
    return f"{element['type_specific_fields']['parent']['name']}.{element['name']}"


def differences(report: dict[str, Any], page: str) -> Iterator[str]:
    """Yields a sentence for each finding that the page does not explain, and each place of the page without one."""
    rows = explained(page)
    found: dict[str, set[str]] = {}
    for finding in report["results"].get("detectors", []):
        found.setdefault(finding["check"], set()).add(place(finding))
    for detector in sorted(rows.keys() | found.keys()):
        named, seen = rows.get(detector, set()), found.get(detector, set())
        whole = {where for where in seen if where.partition(".")[0] in named}
        yield from (f"not explained: {detector} at {where}" for where in sorted(seen - named - whole))
        stale = named - seen - {where.partition(".")[0] for where in whole}
        yield from (f"no longer found: {detector} at {where}" for where in sorted(stale))


def main(report: Path, page: Path = PAGE) -> int:
    """Prints the differences; returns how many there are, at most 1."""
    facts = json.loads(report.read_text("utf-8"))
    if not facts["success"]:
        sys.stdout.write(f"slither failed: {facts['error']}\n")
        return 1
    told = list(differences(facts, page.read_text("utf-8")))
    count = len(facts["results"].get("detectors", []))
    sys.stdout.write(("\n".join(told) or f"{page.name} explains all {count} findings") + "\n")
    return int(bool(told))


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
