"""The server: JSON of every page, headers, feeds, bounds, metrics and their dashboard; what it says without L1."""

from __future__ import annotations

import itertools
import json
import re
import socket
import threading
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from pol_oracle.bench.explorer import forest
from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.explorer.web.metrics import exposition
from pol_oracle.explorer.web.serve import ExplorerConfig
from pol_oracle.explorer.workshop.path import sums_path
from pol_oracle.l1.devnet.ports import HOST
from pol_oracle.protocol.hashing import Tag, keccak
from tests.explorer.conftest import Site, serving
from tests.explorer.stage import FINAL, Story

DASHBOARD = json.loads((Path(__file__).parents[2] / "docs" / "grafana" / "pol-oracle-chain.json").read_text())
ATOM = "{http://www.w3.org/2005/Atom}"


def test_json_of_pages_is_described(site: Site) -> None:
    description = site.api("/openapi.json")
    assert description["openapi"].startswith("3.1")
    assert {"/api/", "/api/tree", "/api/block/{id}", "/api/dispute/{id}"} <= set(description["paths"])
    for path, item in description["paths"].items():
        name = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
        assert name in description["components"]["schemas"]
        if "{" not in path:
            said = site.api(path.removeprefix("/api"))
            assert set(description["components"]["schemas"][name]["properties"]) == set(said), path


def test_a_block_tells_its_life(site: Site, story: Story) -> None:
    said = site.api(f"/block/0x{story.final[0].hex()}")
    assert (said["block"]["status"], said["block"]["height"]) == ("finalized", 1)
    assert [h["kind"] for h in said["life"]][:2] == ["BlockProposed", "HeadChanged"]
    assert len(said["attesters"]) == 2
    assert {p["unit"] for p in said["payments"]} == {"LEARN"}
    assert len(said["required"]) >= 5
    assert site.api(f"/block/{story.final[0].hex()[:12]}") == said


def test_a_dispute_says_who_lost_what_and_in_which_transaction(site: Site, story: Story) -> None:
    said = site.api(f"/dispute/0x{story.withheld.hex()}")
    assert (said["kind"], said["demands"][0]["state"]) == ("withheld", "expired")
    assert "-1" in {p["amount"] for p in said["payments"]}
    for payment in said["payments"]:
        told = site.api(f"/tx/{payment['tx']}")
        assert told["l1_block"] == payment["l1_block"]


def test_accounts_add_up(site: Site, story: Story) -> None:
    said = site.api(f"/account/{story.l1.account(1).address}")
    earned = sum(float(p["amount"]) for p in said["payments"] if p["unit"] == "LEARN")
    assert float(said["learned"]) == pytest.approx(earned)
    assert said["finalized"] == FINAL


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "http://elsewhere.example"},
        {"origin": "http://elsewhere.example", "host": "elsewhere.example"},  # a name that was made to point here
    ],
)
def test_a_replay_is_begun_by_the_sites_own_pages_alone(site: Site, story: Story, headers: dict[str, str]) -> None:
    place = f"{site.url}/block/{story.final[0].hex()}/replay"
    said = requests.post(place, headers=headers, allow_redirects=False, timeout=30)
    assert said.status_code == 403


def test_nothing_from_elsewhere_is_let_in(site: Site) -> None:
    for path in ("/", "/tree", "/api/", "/static/live.js", "/nothing", "/feed/all.atom"):
        _, headers, _ = site.get(path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy and "http" not in policy, path
        assert headers["x-content-type-options"] == "nosniff", path


NOWHERE = (
    *("/block/zz", "/block/0x12", "/account/0x1", "/tx/0xff", "/feed/none.atom", "/sample/test/999999.png"),
    *(f"/sample/train/{'9' * 5000}.png", "/sample/train/-1.png", "/sample/train/x.png"),
    *("/sample/../etc/passwd.png", "/static/../app.py", "/block/" + "a" * 5000, "/api/block/zz"),
)


@pytest.mark.parametrize("path", NOWHERE)
def test_what_is_not_there_is_said_to_be_missing(site: Site, path: str) -> None:
    assert site.get(path)[0] == 404


@pytest.mark.parametrize("query", ["x" * 5000, "%00", "'; DROP TABLE blocks; --", "-1", "9" * 40, "0x" + "f" * 64])
def test_searches_are_bounded(site: Site, query: str) -> None:
    from urllib.parse import quote

    assert site.get(f"/search?q={quote(query)}")[0] == 200
    assert site.get(f"/blocks?before={quote(query)}")[0] == 200


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/blocks?page=abc", "There is no parameter 'page' here, only before."),
        ("/task?page=2", "There is no parameter 'page' here, none."),
        ("/blocks?before=abc", "before has to be a whole number of at most 15 digits, not 'abc'."),
        ("/accounts?after=-1", "after has to be a whole number"),
        ("/account/0x" + "ab" * 20 + "/won?before=7", "before has to be two numbers with a point between them"),
        ("/search?q=" + "x" * 101, f"not '{'x' * 40}…'"),
        ("/blocks?" + "y" * 3000 + "=1", f"There is no parameter '{'y' * 40}…' here"),
    ],
)
def test_the_api_says_what_is_wrong_with_a_parameter(site: Site, path: str, said: str) -> None:
    site.get("/api" + path.partition("?")[0])  # an answer that is kept must not stand for a wrong question
    status, headers, text = site.get("/api" + path)
    assert (status, headers["content-type"]) == (400, "application/json")
    assert said in json.loads(text)["error"]
    assert site.get(path)[0] == 200  # people come by old links


def test_parameters_of_the_api_are_described(site: Site) -> None:
    get = site.api("/openapi.json")["paths"]["/api/account/{address}/{number}"]["get"]
    named = {(p["in"], p["name"]) for p in get["parameters"]}
    assert named == {("path", "address"), ("path", "number"), ("query", "before")}
    assert "400" in get["responses"]


def test_what_was_searched_is_told_in_short(site: Site) -> None:
    text = site.get("/search?q=" + "long" * 500)[2]
    assert "Nothing found for “longlong" in text
    assert "long" * 18 not in text


def test_a_block_that_nobody_doubted_says_so(site: Site, story: Story) -> None:
    text = site.get(f"/dispute/0x{story.final[1].hex()}")[2]
    assert "No dispute about block" in text
    assert "it is finalized now: nothing can be asked of it any more" in text
    assert f'href="/block/0x{story.final[1].hex()}"' in text
    said = site.api(f"/dispute/0x{story.final[1].hex()}")
    assert (said["kind"], said["demands"]) == (None, [])


def test_feeds_name_forks_and_slashes(site: Site, story: Story) -> None:
    feed = ElementTree.fromstring(site.get("/feed/slashes.atom")[2])  # noqa: S314  (our own)
    titles = [entry.findtext(f"{ATOM}title") or "" for entry in feed.iter(f"{ATOM}entry")]
    assert len(titles) == 3
    assert any(story.step.hex()[:8] in title and "step" in title for title in titles)
    assert story.orphan.hex()[:8] in site.get("/feed/forks.atom")[2]


def test_metrics_are_prometheus(site: Site) -> None:
    lines = site.get("/metrics")[2].splitlines()
    assert f"pol_chain_finalized_height {FINAL}.0" in lines
    assert 'pol_chain_blocks{status="slashed"} 3.0' in lines


def test_a_page_stays_while_l1_is_away_and_says_so(site: Site, story: Story, tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as nobody:
        rpc = f"http://{HOST}:{nobody.getsockname()[1]}"
    path = tmp_path / "index.sqlite"
    path.write_bytes(site.index.read_bytes())
    config = ExplorerConfig(story.deployment, rpc, path, story.data, tmp_path, ())
    with serving(config) as alone:
        alone.until(lambda state: bool(state.trouble))
        status, _, text = alone.get("/")
        assert status == 200
        assert "Not up to date" in text
        assert alone.get("/healthz")[0] == 503


def settled(site: Site, path: str) -> Any:
    """JSON of a dispute once its evidence has been read."""
    deadline = time.monotonic() + 120
    while (said := site.api(path))["evidence"] is None:
        assert time.monotonic() < deadline, said["reading"]
        threading.Event().wait(0.1)
    return said


def test_the_path_of_hashes_leads_from_the_wrong_float_to_the_header(site: Site, story: Story) -> None:
    said = settled(site, f"/dispute/0x{story.step.hex()}")["evidence"]
    header = site.api(f"/block/0x{story.step.hex()}")["header"]
    roots = {step["tree"]: step["hash"] for step in said["path"] if step["level"] is None}
    assert roots["root of the state after"] == header["post_root"][2:]  # where the wrong weight stands
    assert roots["root of the trace"] == header["trace_root"][2:]
    assert said["committed"][roots["root of the trace"]] == "traceRoot in the header"
    for lower, upper in itertools.pairwise(said["path"]):
        if lower["level"] is None or upper["level"] is None:
            continue
        pair = [lower["sibling"], lower["hash"]] if lower["place"] & 1 else [lower["hash"], lower["sibling"]]
        tag = {"tensor": Tag.TENSOR_NODE, "list": Tag.LIST_NODE}[lower["tree"]]
        assert keccak(tag + bytes.fromhex("".join(pair))).hex() == upper["hash"]
        assert (upper["level"], upper["place"]) == (lower["level"] + 1, lower["place"] >> 1)


def test_the_path_of_a_requirement_leads_to_the_new_state(site: Site, story: Story) -> None:
    said = settled(site, f"/dispute/0x{story.requirement.hex()}")["evidence"]
    header = site.api(f"/block/0x{story.requirement.hex()}")["header"]
    last = said["path"][-1]
    assert (last["tree"], last["hash"]) == ("root of W', the state after", header["post_root"][2:])
    assert said["committed"][last["hash"]] == "postRoot in the header"


def test_the_path_of_sums_leads_to_the_roots_sums() -> None:
    before = np.arange(1500) % 3 == 0
    tree = AccuracyTree.of(before, ~before)
    node = tree.levels[0][4]
    siblings = [one.abi() for one in tree.siblings(0, 4)]
    path = sums_path((0, 4, node.before, node.after, tree.content(0, 4), siblings))
    assert path[-1].hash == tree.root.hash.hex()
    assert f"{tree.root.before} → {tree.root.after}" in path[-1].tree
    assert [step.place for step in path[:-1]] == [4, 2, 1]


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
