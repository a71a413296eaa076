"""Events become sentences."""

from __future__ import annotations

from pol_oracle.demo.cast import ROLES, assemble
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.view import View
from pol_oracle.watch.events import line
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
