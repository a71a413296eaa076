"""The list of a segment's steps against the vectors that GoldenCourt.t.sol reads too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pol_oracle.canonical.commitments.segments import SegmentEntry, SegmentList

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "golden" / "court.json").read_text())["segments"]


def unhexed(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value[2:]) for value in values]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['steps']}-steps")
def test_lists_of_segments(case: dict[str, Any]) -> None:
    parts = [unhexed(case[f"{part}_roots"]) for part in ("batch", "inner", "state")]
    entries = [SegmentEntry(*entry) for entry in zip(*parts, strict=True)]
    listed = SegmentList.of(entries)
    assert list(listed.hashes) == unhexed(case["hashes"])
    assert [listed.root] == unhexed([case["segment_root"]])
    assert [b"".join(listed.path(step)) for step in range(case["steps"])] == unhexed(case["paths"])
