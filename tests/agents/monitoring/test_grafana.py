"""The dashboard in docs/ draws gauges that there are, and all of them."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

from pol_oracle.agents.monitoring.metrics import Metrics

DASHBOARD = json.loads((Path(__file__).parents[3] / "docs" / "grafana" / "pol-oracle.json").read_text())
LEFT_OUT = {  # counts that the panels show otherwise
    "pol_tries",
    "pol_network_warnings",
    "pol_segment_step",
    "pol_segment_steps",
    "pol_rewards_learn",
}


def test_the_dashboard_draws_what_agents_serve() -> None:
    metrics = Metrics(0, "a")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics.port}/metrics", timeout=10) as answer:
            served = set(re.findall(r"^# TYPE (pol_\w+) gauge$", answer.read().decode(), re.MULTILINE))
    finally:
        metrics.close()
    drawn = set(re.findall(r"pol_\w+", " ".join(t["expr"] for panel in DASHBOARD["panels"] for t in panel["targets"])))

    assert drawn <= served
    assert served - drawn == LEFT_OUT


def test_panels_explain_themselves_and_do_not_overlap() -> None:
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert all(panel["description"].endswith(".") for panel in DASHBOARD["panels"])
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} == {"datasource", "agent"}
