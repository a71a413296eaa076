"""The demo's verdict on made-up histories: what passes, and every way to fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pol_oracle.demo.cast import ROLES, DemoRole, Party, assemble
from pol_oracle.demo.verdict import Balance, DemoOutcome, Rejection, Scene
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.task_file import TaskSpec
from tests.report.chronicle import GENESIS, Chronicle

CAST = assemble({n: f"0x{n:040x}" for n in range(1, len(ROLES) + 1)})
BY_NAME = {party.name: party for party in CAST}
MINER, VERIFIER, LAZY = (BY_NAME[name].address for name in ("miner-1", "verifier-1", "lazy"))
COLLUDERS = [party for party in CAST if party.part is DemoRole.COLLUDER]
REFUSALS = (
    Rejection("thief", "IndexMismatch", "index 0 should be 5, not 3"),
    *(Rejection(party.name, "SumsHold", "sums hold") for party in COLLUDERS),
)
DOZEN = range(50, 62)  # samples classified right after each block, of a hundred
PARAMETERS = TaskSpec(name="x").parameters()
KINDS = {
    "one-ulp": EvidenceKind.STEP,
    "wrong-value": EvidenceKind.STEP,
    "no-search": EvidenceKind.REQUIREMENT,
    "wrong-segment": EvidenceKind.STEP,
    "other-batch": EvidenceKind.STEP,
    "thief": EvidenceKind.WITHHELD,
}


def honest_story(correct: Sequence[int]) -> tuple[Chronicle, bytes]:
    story, tip = Chronicle(), GENESIS
    for right in correct:
        tip = story.propose(MINER, tip, correct=right)
        story.finalize(tip, MINER)
    return story, tip


def full_story(correct: Sequence[int] = DOZEN) -> Chronicle:
    story, tip = honest_story(correct)
    for party in COLLUDERS:
        story.pay(tip, story.demand(tip, party.address), party.address, MINER, fee=1)
    for name, kind in KINDS.items():
        block = story.propose(BY_NAME[name].address, tip)
        attesters = [LAZY, *(party.address for party in COLLUDERS)]
        for attester in attesters:
            story.attest(block, attester)
        story.slash(block, BY_NAME[name].address, VERIFIER, kind)
        for attester in attesters:
            story.settle(block, attester, loss=8, to=VERIFIER)
    return story


def ending(story: Chronicle, **changes: object) -> DemoOutcome:
    balances = {p.name: fair_balance(p) for p in CAST}
    made = DemoOutcome(Scene(CAST, tuple(story.events), REFUSALS), balances, 100, 12, PARAMETERS, 100.04, own_task=True)
    return replace(made, **changes)  # type: ignore[arg-type]


def fair_balance(party: Party) -> Balance:
    if party.part.cheats:
        return Balance(deposited=101, bond=0, credit=0, learn=0)
    return Balance(101, 60 if party.part is DemoRole.COLLUDER else 101, 0, 7)


def test_complete_story_passes() -> None:
    story = full_story()

    assert Scene(CAST, tuple(story.events), REFUSALS).complete(12)
    assert ending(story).problems() == ()


def test_report_has_what_the_issue_asks_for() -> None:
    report = ending(full_story()).as_dict()

    assert report["finalized"] == 12
    assert report["slashed"] == {"step": 4, "requirement": 1, "withheld": 1}
    assert report["rejected"] == {"IndexMismatch": 1, "SumsHold": len(COLLUDERS)}
    assert report["demands"] == {party.name: 1 for party in COLLUDERS}
    assert report["slashed_after_s"] == dict.fromkeys(KINDS, 0)
    assert report["accuracy"]["1"] == 0.5
    assert report["interval_s"]["2"] == 5
    assert report["seconds"] == 100.0
    assert set(report["balances"]) == set(BY_NAME)


def test_too_few_blocks_is_a_stopped_head() -> None:
    assert any("head stopped" in p for p in ending(full_story(DOZEN[:11])).problems())


@pytest.mark.parametrize(
    ("first", "last", "learned"), [(11, 41, True), (11, 40, False), (60, 60, False), (60, 50, False)]
)
def test_a_network_that_has_not_learned_in_a_dozen_blocks_fails_the_demo(first: int, last: int, learned: bool) -> None:
    story = full_story(correct=[first, *range(first + 1, first + 11), last])

    assert any("has not learned" in problem for problem in ending(story).problems()) is not learned


def test_of_another_task_or_fewer_blocks_it_is_not_known_how_fast_the_network_learns() -> None:
    slow = [10] * 12

    assert ending(full_story(correct=slow), own_task=False).problems() == ()
    assert ending(full_story(correct=slow[:2]), blocks=2).problems() == ()


@pytest.mark.parametrize("name", KINDS)
def test_a_cheat_that_keeps_its_bond_fails_the_demo(name: str) -> None:
    made = ending(full_story())
    made.balances[name] = Balance(101, 101, 0, 0)

    assert any(name in problem and "kept a bond" in problem for problem in made.problems())


@pytest.mark.parametrize("name", [p.name for p in CAST if p.part.honest])
def test_an_honest_party_that_loses_money_fails_the_demo(name: str) -> None:
    made = ending(full_story())
    made.balances[name] = Balance(101, 100, 0, 7)

    assert any(name in problem and "lost money" in problem for problem in made.problems())


@pytest.mark.parametrize("name", [p.name for p in COLLUDERS])
def test_a_colluder_that_loses_nothing_fails_the_demo(name: str) -> None:
    made = ending(full_story())
    made.balances[name] = Balance(101, 101, 0, 0)

    assert any(name in problem and "lost nothing" in problem for problem in made.problems())


def test_a_colluders_fate_is_known_when_all_its_bonds_are_taken() -> None:
    story = full_story()
    block = story.propose(BY_NAME["one-ulp"].address)
    story.attest(block, COLLUDERS[0].address)
    story.slash(block, BY_NAME["one-ulp"].address, VERIFIER, EvidenceKind.STEP)

    fates = {fate.party: fate for fate in Scene(CAST, tuple(story.events), REFUSALS).fates()}

    assert not fates[COLLUDERS[0]].known
    assert fates[COLLUDERS[1]].known
    assert fates[COLLUDERS[1]].story == "lost 6 bonds, paid 1 fees; accusations refused: SumsHold"


def test_a_slash_for_what_a_cheat_did_not_do_fails_the_demo() -> None:
    story = full_story()
    cheat = BY_NAME["one-ulp"].address
    story.slash(story.propose(cheat), cheat, VERIFIER, EvidenceKind.WITHHELD)

    assert any("not guilty" in problem for problem in ending(story).problems())


def test_a_slashed_honest_block_fails_the_demo() -> None:
    story = full_story()
    story.slash(story.propose(MINER), MINER, VERIFIER, EvidenceKind.STEP)

    assert any("is no cheat" in problem for problem in ending(story).problems())


@pytest.mark.parametrize(("wait", "answered", "late"), [(0, False, False), (1, False, True), (1, True, False)])
def test_a_slash_must_come_before_the_block_could_be_final(wait: int, answered: bool, late: bool) -> None:
    story = full_story()
    cheat = BY_NAME["one-ulp"].address
    block = story.propose(cheat)
    story.now += PARAMETERS.challenge_window
    if answered:
        story.reveal(block, story.demand(block, VERIFIER), cheat)
    story.now += wait
    story.slash(block, cheat, VERIFIER, EvidenceKind.STEP)

    assert any("could have been final" in problem for problem in ending(story).problems()) is late


def test_a_finalized_block_of_a_cheat_fails_the_demo() -> None:
    story = full_story()
    block = story.propose(BY_NAME["one-ulp"].address)
    story.finalize(block, BY_NAME["one-ulp"].address)

    assert any("finalized" in problem for problem in ending(story).problems())


def test_thief_must_also_have_been_refused() -> None:
    scene = Scene(CAST, tuple(full_story().events), ())

    assert not scene.complete(12)
    assert next(f for f in scene.fates() if f.party.part is DemoRole.THIEF).known is False


def test_slashed_cheat_is_not_done_before_its_bond_is_taken() -> None:
    story = full_story()
    # three events each: the thief's forfeited bond, and what its attesters lose
    scene = Scene(CAST, tuple(story.events[: -3 * (2 + len(COLLUDERS))]), REFUSALS)

    assert not scene.complete(12)


def test_lazy_verifiers_fate_is_its_first_loss() -> None:
    story, _ = honest_story(DOZEN)
    story.attest(story.propose(MINER), LAZY)

    fate = next(f for f in Scene(CAST, tuple(story.events), ()).fates() if f.party.part is DemoRole.LAZY)

    assert not fate.known
    assert fate.story == "1 attested, 0 rewarded"
