"""The page about slither against what slither finds."""

from __future__ import annotations

from typing import Any

import pytest

from tools.slither_page import PAGE, differences, explained

ROWS = """
| detector | where | why it stays |
| --- | --- | --- |
| timestamp | `Demands`, `Court.check` | by design, as `Other.place` says |
"""


def finding(detector: str, contract: str, function: str) -> dict[str, Any]:
    inside = {"type": "contract", "name": contract}
    where = {"type": "function", "name": function, "type_specific_fields": {"parent": inside}}
    return {"check": detector, "elements": [{"type": "node", "name": "x", "type_specific_fields": {"parent": where}}]}


def told(*findings: tuple[str, str, str]) -> list[str]:
    return list(differences({"results": {"detectors": [finding(*one) for one in findings]}}, ROWS))


KNOWN = [("timestamp", "Demands", "demand"), ("timestamp", "Demands", "answer"), ("timestamp", "Court", "check")]


def test_what_the_page_names_passes() -> None:
    assert told(*KNOWN) == []


@pytest.mark.parametrize(
    "new", [("timestamp", "Court", "prove"), ("timestamp", "Reveals", "check"), ("tx-origin", "Court", "check")]
)
def test_a_finding_that_the_page_does_not_name_fails(new: tuple[str, str, str]) -> None:
    detector, contract, function = new
    assert told(*KNOWN, new) == [f"not explained: {detector} at {contract}.{function}"]


def test_a_place_where_nothing_is_found_any_more_fails() -> None:
    assert told(*KNOWN[:2]) == ["no longer found: timestamp at Court.check"]
    assert told(*KNOWN[2:]) == ["no longer found: timestamp at Demands"]


def test_the_page_can_be_read() -> None:
    assert {"timestamp", "reentrancy-events", "unused-return"} <= explained(PAGE.read_text("utf-8")).keys()
