"""Every movement of money is told once, with its reason."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.report.ledger import Ledger, Unit, ledger, totals
from tests.report.chronicle import Chronicle

MINER, CHEAT, VERIFIER, LAZY, OTHER = (f"0x{n:040x}" for n in range(1, 6))


def test_finalized_block_rewards_its_miner_and_attesters() -> None:
    story = Chronicle()
    block = story.propose(MINER)
    story.finalize(block, MINER, reward=10)
    story.settle(block, VERIFIER, reward=4)

    entries = ledger(story.events)

    assert [(e.party, e.unit, e.amount) for e in entries] == [(MINER, Unit.LEARN, 10), (VERIFIER, Unit.LEARN, 4)]
    assert entries[0].reason == f"mined block 1 (0x{block.hex()[:10]})"
    assert entries[1].reason == f"attested to block 1 (0x{block.hex()[:10]})"


def test_slash_names_what_it_was_for_on_both_sides() -> None:
    story = Chronicle()
    block = story.propose(CHEAT)
    story.slash(block, CHEAT, VERIFIER, EvidenceKind.WITHHELD, bond=101)

    loss, gain = ledger(story.events)

    assert (loss.party, loss.amount) == (CHEAT, -101)
    assert (gain.party, gain.amount) == (VERIFIER, 50)
    assert "slashed for withheld" in loss.reason
    assert gain.reason.startswith("proved block")


def test_descendant_of_a_slashed_block_loses_half_and_an_orphan_that_lost_its_race_nothing() -> None:
    story = Chronicle()
    above, beaten = story.propose(MINER), story.propose(OTHER)
    story.orphan(above, MINER, loss=51)
    story.orphan(beaten, OTHER)

    (loss,) = ledger(story.events)

    assert (loss.party, loss.unit, loss.amount) == (MINER, Unit.ETH, -51)
    assert loss.reason == f"mined block 1 (0x{above.hex()[:10]}), above a slashed one"


def test_attester_of_a_slashed_block_loses_its_bond() -> None:
    story = Chronicle()
    block = story.propose(CHEAT)
    story.slash(block, CHEAT, VERIFIER, EvidenceKind.STEP)
    story.settle(block, LAZY, loss=8, to=VERIFIER)

    loss = next(e for e in ledger(story.events) if e.party == LAZY)

    assert loss.amount == -8
    assert loss.reason.startswith("attested to block")
    assert "slashed for step" in loss.reason


def test_earlier_committer_and_prover_share() -> None:
    story = Chronicle()
    block = story.propose(CHEAT)
    story.slash(block, CHEAT, VERIFIER, EvidenceKind.STEP, bond=100, first=OTHER)

    assert [(e.party, e.amount) for e in ledger(story.events)] == [(CHEAT, -100), (VERIFIER, 25), (OTHER, 25)]


def test_answer_is_paid_by_whoever_demanded_it() -> None:
    story = Chronicle()
    block = story.propose(MINER)
    demand = story.demand(block, VERIFIER)
    story.reveal(block, demand, MINER)
    story.pay(block, demand, VERIFIER, MINER, fee=7)

    paid, earned = ledger(story.events)

    assert (paid.party, paid.amount) == (VERIFIER, -7)
    assert (earned.party, earned.amount) == (MINER, 7)
    assert paid.reason == f"demanded to see a part of block 1 (0x{block.hex()[:10]})"
    assert earned.reason.startswith("showed a part of block")


def test_fee_that_comes_back_is_no_movement() -> None:
    story = Chronicle()
    block = story.propose(CHEAT)
    story.pay(block, story.demand(block, VERIFIER), VERIFIER, VERIFIER, fee=7)

    assert ledger(story.events) == ()


def test_answers_about_a_slashed_block_are_paid_by_its_miner() -> None:
    story = Chronicle()
    block = story.propose(CHEAT)
    demand = story.demand(block, VERIFIER)
    story.reveal(block, demand, OTHER)
    story.pay_answer(block, demand, VERIFIER, OTHER, CHEAT, pay=5)

    paid, earned = ledger(story.events)

    assert (paid.party, paid.amount, earned.party, earned.amount) == (CHEAT, -5, OTHER, 5)
    assert paid.reason.startswith("mined block")
    assert earned.reason.startswith("showed a part of block")


def test_false_explanations_cost_their_author_and_right_ones_are_paid() -> None:
    story = Chronicle()
    block = story.propose(MINER)
    story.refute(block, CHEAT, VERIFIER, bond=8)
    story.pay_explanation(block, VERIFIER, MINER, fee=7)

    name = f"block 1 (0x{block.hex()[:10]})"
    assert [(e.party, e.amount, e.reason) for e in ledger(story.events)] == [
        (CHEAT, -8, f"explained {name} falsely"),
        (VERIFIER, 4, f"refuted an explanation of {name}"),
        (VERIFIER, -7, f"had {name} explained"),
        (MINER, 7, f"explained {name}"),
    ]


def test_reasons_do_not_leak_from_one_movement_to_the_next() -> None:
    story = Chronicle()
    good, bad = story.propose(MINER), story.propose(CHEAT)
    story.settle(good, VERIFIER, reward=4)
    story.slash(bad, CHEAT, VERIFIER, EvidenceKind.STEP)
    story.settle(bad, LAZY, loss=8, to=VERIFIER)

    reasons = [e.reason.split(",")[0] for e in ledger(story.events) if e.unit is Unit.ETH]

    name = f"block 1 (0x{bad.hex()[:10]})"
    assert reasons == [f"mined {name}", f"proved {name}", f"attested to {name}", f"from an attester of {name}"]


@given(st.lists(st.integers(1, 10**20), max_size=8))
def test_nobody_gains_more_eth_than_others_lose(bonds: list[int]) -> None:
    story = Chronicle()
    for bond in bonds:
        story.slash(story.propose(CHEAT), CHEAT, VERIFIER, EvidenceKind.STEP, bond)

    sums = totals(ledger(story.events))

    lost = -sum(account[Unit.ETH] for account in sums.values() if account[Unit.ETH] < 0)
    won = sum(account[Unit.ETH] for account in sums.values() if account[Unit.ETH] > 0)
    assert lost == sum(bonds)
    assert won * 2 <= lost


def eventful() -> Chronicle:
    story = Chronicle()
    good, bad = story.propose(MINER), story.propose(CHEAT)
    story.finalize(good, MINER)
    story.settle(good, VERIFIER, reward=4)
    story.slash(bad, CHEAT, VERIFIER, EvidenceKind.STEP)
    story.settle(bad, LAZY, loss=8, to=VERIFIER)
    return story


@given(st.lists(st.integers(0, 40), max_size=8))
def test_a_ledger_that_follows_a_chain_through_reorgs_is_that_of_the_whole_chain(lengths: list[int]) -> None:
    """What comes back after a reorg is the same event in another place of L1, and so another object."""
    followed, seen = Ledger(), eventful().events
    for kept in lengths:
        followed.follow(seen[: kept + 1])
        seen = seen[:kept] + eventful().events[kept:]
    followed.follow(seen)

    whole = ledger(seen)
    for party in (MINER, CHEAT, VERIFIER, LAZY, OTHER):
        mine = [entry for entry in whole if entry.party == party]
        assert list(followed.entries(party)) == mine
        assert followed.totals(party) == totals(mine).get(party, {})


def test_a_ledger_takes_each_event_once() -> None:
    events, followed = eventful().events, Ledger()
    told = [entry for length in range(len(events) + 1) for entry in followed.follow(events[:length])]
    assert tuple(told) == ledger(events)
    assert followed.follow(events) == []
