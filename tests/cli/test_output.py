"""How times, amounts and accounts are shown, and that what is shown can be typed back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pol_oracle.cli import output
from pol_oracle.cli.names import Names
from pol_oracle.cli.settings import Settings
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.keys import new_key
from pol_oracle.protocol.errors import InputError

ALICE = dev_account(4).address
BOB = dev_account(5).address


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock shows CET."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_times_are_local_and_name_their_zone() -> None:
    assert output.clock(1_700_000_000) == "2023-11-14 23:13:20 CET"
    assert output.when(1_700_000_000, 1_700_000_012) == "2023-11-14 23:13:20 CET (12 s ago)"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (59, "59 s"), (125, "2 min 5 s"), (3600, "1 h"), (3661, "1 h 1 min"), (86400 + 59, "1 d")],
)
def test_spans_have_two_units_at_most(seconds: int, told: str) -> None:
    assert output.span(seconds) == told


def test_times_to_come() -> None:
    assert output.since(1_008, 1_000) == "in 8 s"


def test_counts_have_a_percentage() -> None:
    assert output.share(2912, 4096) == "2,912 of 4,096 (71.1 %)"
    assert output.share(0, 0) == "0"


def test_amounts_are_exact() -> None:
    assert output.amount(123_456_789_012_345_678_901) == "123.456789012345678901"
    assert output.amount(-(10**18)) == "-1"


def test_names_come_from_keys_agents_and_the_devnet(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    settings.agents.mkdir()
    (settings.agents / "m1.json").write_text(json.dumps({"name": "miner-1", "address": ALICE}))
    (settings.agents / "torn.json").write_text('{"name"')
    key = new_key(settings.keys, "carol", "password", iterations=2)

    names = Names.of(settings, devnet=True)

    assert [names.name(a) for a in (ALICE, BOB, key.address)] == ["miner-1", "dev-5", "carol"]
    assert Names.of(settings, devnet=False).name(BOB) == ""


@pytest.mark.parametrize("shown", [ALICE, ALICE.lower(), "alice", Names({}).label(ALICE), f"{ALICE[:10]}…"])
def test_what_is_shown_of_an_account_is_found_again(shown: str) -> None:
    assert Names({ALICE: "alice", BOB: "bob"}).find(shown) == ALICE


@pytest.mark.parametrize("shown", ["nobody", "0x", ALICE[:5]])
def test_an_account_nobody_knows(shown: str) -> None:
    with pytest.raises(InputError, match="no account is known"):
        Names({ALICE: "alice"}).find(shown)


def test_a_name_of_two_accounts() -> None:
    with pytest.raises(InputError, match="several accounts"):
        Names({ALICE: "twin", BOB: "twin"}).find("twin")
