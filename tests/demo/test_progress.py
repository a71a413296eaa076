"""What the demo shows comes from events and from the own records of cheats and colluders."""

from __future__ import annotations

import io
import json
from pathlib import Path

from pol_oracle.demo.screen import LiveScreen, open_screen
from rich.console import Console

from pol_oracle.demo.cast import ROLES, assemble
from pol_oracle.demo.progress import line, snapshot
from pol_oracle.demo.records import rejections
from pol_oracle.demo.verdict import Scene
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.view import View
from tests.report.chronicle import GENESIS, Chronicle

CAST = assemble({n: f"0x{n:040x}" for n in range(1, len(ROLES) + 1)})
NAMES = {party.address: party.name for party in CAST}
ADDRESS = {party.name: party.address for party in CAST}


def story() -> tuple[Chronicle, View]:
    told = Chronicle()
    good = told.propose(ADDRESS["miner-1"], correct=80)
    told.attest(good, ADDRESS["verifier-1"])
    told.finalize(good, ADDRESS["miner-1"], reward=10**19)
    bad = told.propose(ADDRESS["one-ulp"], good)
    told.attest(bad, ADDRESS["lazy"])
    told.reveal(bad, told.demand(bad, ADDRESS["verifier-1"]), ADDRESS["one-ulp"])
    told.slash(bad, ADDRESS["one-ulp"], ADDRESS["verifier-1"], EvidenceKind.STEP, bond=10**18)
    told.settle(bad, ADDRESS["lazy"], loss=25 * 10**16, to=ADDRESS["verifier-1"])
    view = View(GENESIS)
    for event in told.events:
        view.apply(event)
    return told, view


def test_lines_tell_who_did_what() -> None:
    told, view = story()

    lines = [text for event in told.events if (text := line(event, NAMES, view))]

    blocks = [f"block {b.id.hex()[:8]} (height {b.height})" for b in view.blocks.values() if b.header]
    assert lines == [
        f"miner-1 proposes {blocks[0]}",
        f"{blocks[0]} of miner-1 is final",
        f"one-ulp proposes {blocks[1]}",
        f"verifier-1 demands all bits of the evaluation of {blocks[1]}",
        f"one-ulp shows all bits of the evaluation of {blocks[1]}",
        f"{blocks[1]} of one-ulp is slashed for step",
        "one-ulp loses 1 ETH, half of it to verifier-1",
        f"lazy loses 0.25 ETH: it attested to {blocks[1]}",
    ]


def test_a_bond_that_is_lost_with_the_block_below_is_told() -> None:
    told = Chronicle()
    bad = told.propose(ADDRESS["one-ulp"])
    above = told.propose(ADDRESS["thief"], bad)
    told.slash(bad, ADDRESS["one-ulp"], ADDRESS["verifier-1"], EvidenceKind.STEP)
    told.orphan(above, ADDRESS["thief"], loss=5 * 10**17, bond=10**18)
    view = View(GENESIS)
    for event in told.events:
        view.apply(event)

    lines = [text for event in told.events if (text := line(event, NAMES, view))]

    assert (
        f"block {above.hex()[:8]} (height 2) of thief is orphaned and loses 0.5 ETH: it stands on a slashed one"
        in lines
    )


def test_snapshot_names_parties_and_blocks() -> None:
    told, view = story()

    shown = snapshot(Scene(CAST, tuple(told.events), ()), view, 12, 100)

    assert shown.title.startswith("1 of 12 honest blocks finalized")
    assert {row.name: row.learn for row in shown.parties}["miner-1"] == "10"
    assert [(row.miner, row.accuracy, row.status) for row in shown.blocks] == [
        ("one-ulp", "50.0 %", "slashed for step"),
        ("miner-1", "80.0 %", "finalized"),
    ]
    assert shown.blocks[0].attesters == "lazy"


def test_terminal_gets_a_live_display_and_a_pipe_gets_lines() -> None:
    told, view = story()
    shown = snapshot(Scene(CAST, tuple(told.events), ()), view, 12, 100)
    for terminal in (True, False):
        output = io.StringIO()
        console = Console(file=output, force_terminal=terminal, width=160, height=60)
        with open_screen(console) as screen:
            screen.say("hello")
            screen.show(shown)
            assert isinstance(screen, LiveScreen) is terminal
        assert "hello" in output.getvalue()
        assert ("newest blocks" in output.getvalue()) is terminal


def test_refused_calls_are_read_from_the_records_of_cheats_and_colluders(tmp_path: Path) -> None:
    refused = [
        {"key": "propose:aa", "name": "IndexMismatch", "message": "no"},
        {"key": "orphan:aa", "name": "StillLive", "message": "no"},
    ]
    accused = [{"key": "prove:aa", "name": "SumsHold", "message": "no"}]
    (tmp_path / "thief.json").write_text(json.dumps({"refused": refused}))
    (tmp_path / "miner-1.json").write_text(json.dumps({"refused": refused}))
    (tmp_path / "colluder-1.json").write_text(json.dumps({"refused": accused}))

    found = [(r.party, r.error) for r in rejections(tmp_path, CAST)]
    assert found == [("thief", "IndexMismatch"), ("colluder-1", "SumsHold")]
