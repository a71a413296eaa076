"""The chain's dashboard in docs/ draws what the explorer serves, and all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pol_oracle.bench.explorer import forest
from pol_oracle.explorer.web.metrics import exposition

DASHBOARD = json.loads((Path(__file__).parents[2] / "docs" / "grafana" / "pol-oracle-chain.json").read_text())


def test_the_dashboard_draws_what_the_explorer_serves(tmp_path: Path) -> None:
    forest.fill(tmp_path / "index.sqlite", forest.grow(20, 2)).close()
    text = exposition(forest.book_of(tmp_path / "index.sqlite")).decode()
    served = set(re.findall(r"^# TYPE (pol_\w+) gauge$", text, re.MULTILINE))
    drawn = set(re.findall(r"pol_\w+", " ".join(t["expr"] for panel in DASHBOARD["panels"] for t in panel["targets"])))
    assert drawn == served


def test_panels_explain_themselves_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        place = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert not place & taken, panel["title"]
        assert max(x for x, _ in place) < 24
        taken |= place
        assert panel["description"].endswith(".")
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} == {"datasource", "instance"}
