"""The explorer's bench: a forest served by a process of its own, which grows, and a crowd around it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pol_oracle.bench.explorer import crowd, follow, forest, pages
from pol_oracle.bench.explorer.site import running


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest, "BLOCKS", 60)
    monkeypatch.setattr(forest, "FORKS", 6)
    for name, value in (("CLIENTS", 5), ("IDLE", 20), ("ROUNDS", 1), ("WINDOW_S", 3.0), ("TICK_S", 0.1)):
        monkeypatch.setattr(crowd, name, value)


def test_the_chain_that_is_served_grows_when_it_is_told(tmp_path: Path) -> None:
    with running(tmp_path) as site:

        def height() -> int:
            with urllib.request.urlopen(f"{site.url}/api/", timeout=30) as answer:  # noqa: S310  (our own server)
                return int(json.load(answer)["head"]["height"])

        before = height()
        site.grow()
        site.grow()
        assert height() == before + 2
        assert site.memory_mb > 10


def test_pages_are_all_there(tmp_path: Path) -> None:
    names = {row.name for row in pages.pages(tmp_path)}
    assert names >= {"pages.home", "pages.api_tree", "pages.account", "pages.account_verifier-free"}


def test_what_would_have_to_be_worked_out_is_put_off(tmp_path: Path) -> None:
    """The forest has no data: pictures on its pages were errors of the server."""
    with running(tmp_path) as site, pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{site.url}/sample/train/1.png", timeout=30)  # noqa: S310  (our own server)
    assert refused.value.code == 503


def test_a_crowd_reads_what_is_new(tmp_path: Path) -> None:
    rows = {row.name: row.value for row in crowd.crowd(tmp_path)}
    assert rows["crowd.pages_read"] > 0
    assert rows["crowd.memory"] > 10


def test_what_l1_takes_in_is_soon_on_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "BLOCKS", 2)
    assert {row.name for row in follow.live(tmp_path)} == {"live.median", "live.longest"}


def test_idle_connections_do_not_keep_others_out(tmp_path: Path) -> None:
    assert {row.name for row in crowd.idle(tmp_path)} == {"idle.alone", "idle.beside_1000"}
