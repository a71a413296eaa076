"""Who answers what is demanded on L1: in time, within means, and whom it concerns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pol_oracle.agents.rules.actions import Action, Explain, Reveal
from pol_oracle.agents.rules.decide import decide_miner, decide_verifier
from pol_oracle.agents.rules.demands import due_answers
from pol_oracle.agents.rules.knowledge import Miner
from pol_oracle.l1.events import typed as ev
from pol_oracle.l1.sending.fees import GWEI
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.positions import Item, Position
from tests.agents.rules.test_demands import ANSWER
from tests.agents.scene import (
    CHEAT,
    EXPLAINED_LEAVES,
    EXPLANATION,
    FEE,
    MINER,
    NODES,
    PARAMETERS,
    POLICY,
    ROOTS,
    TASK,
    TRACE_ROOT,
    V1,
    V2,
    V3,
    Scene,
    answer_of,
    verifier,
)


def due(scene: Scene, me: str, gas_price: int = 0) -> list[bytes]:
    return [demand.id for demand in due_answers(scene.view, me, PARAMETERS, POLICY.stagger, gas_price)]


def told(scene: Scene, me: str, block: bytes, position: Position = ROOTS) -> list[Reveal | Explain]:
    """What an agent shows that has computed an answer."""
    actions: tuple[Action, ...]
    if me in (MINER, CHEAT):
        own = Miner(me, TASK, {}, frozenset(), {(block, position): answer_of(position)})
        actions = decide_miner(scene.view, own, PARAMETERS, POLICY)
    else:
        actions = decide_verifier(scene.view, verifier(me, answers=((block, position),)), PARAMETERS, POLICY)
    return [a for a in actions if isinstance(a, Reveal | Explain)]


def test_miner_answers_at_once_and_only_for_its_own_blocks() -> None:
    scene = Scene()
    block = scene.propose()
    asked = scene.demand(block, ROOTS, V1)

    assert due(scene, MINER) == [asked]
    assert due(scene, CHEAT) == due(scene, V1) == []
    header = scene.view.blocks[block].header
    assert header is not None
    assert told(scene, MINER, block) == [Reveal(block, header, ROOTS, answer_of(ROOTS))]


def test_answered_demands_and_blocks_in_a_final_state_are_left_alone() -> None:
    scene = Scene()
    block = scene.propose()
    scene.answer(scene.demand(block, ROOTS, V1))
    assert due(scene, MINER) == []

    scene.demand(block, NODES, V1)
    scene.slash(block)
    assert due(scene, MINER) == []


def test_nobody_answers_from_the_deadline_on() -> None:
    scene = Scene()
    block = scene.propose()
    asked = scene.demand(block, ROOTS, V1)
    scene.wait(ANSWER - 1)
    assert due(scene, MINER) == [asked]

    scene.wait(1)
    assert due(scene, MINER) == []


@pytest.mark.parametrize("position", [ROOTS, EXPLANATION])
def test_pitfall_09_attesters_step_in_one_by_one_after_the_miner(position: Position) -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    asked = scene.demand(block, position, V3, window=600)
    turns: dict[str, int] = {}
    for second in range(60):
        turns |= {v: second for v in (V1, V2, V3) if v not in turns and due(scene, v) == [asked]}
        scene.wait()

    assert sorted(turns.values()) == [2 * POLICY.stagger, 3 * POLICY.stagger]
    assert set(turns) == {V1, V2}  # V3 has nothing to lose


def test_attesters_step_in_while_there_is_time() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    asked = scene.demand(block, ROOTS, V3)  # so short that their turns would come after the deadline
    scene.wait(ANSWER // 2)

    assert due(scene, V1) == due(scene, V2) == [asked]
    assert [a.position for a in told(scene, V1, block)] == [ROOTS]


def test_a_miner_that_is_away_is_explained_by_an_attester() -> None:
    """Explanations come from anybody: nobody is slashed for being away."""
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1)
    asked = scene.demand(block, EXPLANATION, V2)
    scene.wait(ANSWER // 2)

    (explained,) = told(scene, V1, block, EXPLANATION)
    assert isinstance(explained, Explain)
    assert (explained.role, due(scene, V1)) == (Role.VERIFIER, [asked])
    (mined,) = told(scene, MINER, block, EXPLANATION)
    assert isinstance(mined, Explain)
    assert mined.role is Role.MINER


def test_what_is_demanded_of_an_explanation_concerns_its_author_alone() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    about = scene.demand(block, EXPLANATION, V3)
    scene.answer(about, V1)
    asked = scene.demand(block, EXPLAINED_LEAVES, V3)
    scene.wait(ANSWER - 1)

    assert due(scene, V1) == [asked]
    assert due(scene, V2) == due(scene, MINER) == []
    scene.refute(about)
    assert due(scene, MINER) == [about]  # nothing can be shown of what does not stand; another explanation is due
    scene.wait(ANSWER - 1)
    assert due(scene, V1) == []
    assert due(scene, V2) == [about]


def test_an_old_demand_about_an_explanation_that_was_given_again_is_answered_by_nobody() -> None:
    """L1 takes no answer: whoever gave it again has a whole window, from a demand of its own."""
    scene = Scene()
    block = scene.propose()
    about = scene.demand(block, EXPLANATION, V3)
    scene.answer(about, V1)
    scene.demand(block, EXPLAINED_LEAVES, V3)
    scene.refute(about)
    scene.wait()
    scene.answer(about, V2)
    assert due(scene, V1) == due(scene, V2) == []

    again = scene.demand(block, EXPLAINED_LEAVES, V3)
    assert due(scene, V2) == [again]


def test_nobody_is_asked_about_what_a_fallen_author_explained_and_nobody_answers() -> None:
    scene = Scene()
    block, other = scene.propose(), replace(EXPLANATION, index=10)
    for position in (EXPLANATION, other):
        scene.answer(scene.demand(block, position, V3), V1)
    scene.demand(block, EXPLAINED_LEAVES, V3)
    scene.refute(other.demand_id(block))
    assert due(scene, V1) == []


def test_an_explanation_that_was_refuted_is_followed_by_an_attester_s_and_may_be_followed_by_the_same() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1)
    about = scene.demand(block, EXPLANATION, V3)
    scene.wait(ANSWER // 2)
    (first,) = told(scene, V1, block, EXPLANATION)
    scene.answer(about, MINER)
    scene.refute(about, V3)
    scene.wait(ANSWER // 2)
    (again,) = told(scene, V1, block, EXPLANATION)

    assert again.key != first.key
    assert told(scene, MINER, block, EXPLANATION) == []  # it has fallen


def test_explains_only_with_a_bond_for_it() -> None:
    scene = Scene()
    block = scene.propose()
    asked = scene.demand(block, EXPLANATION, V1)
    free = scene.view.bond(MINER, Role.MINER).free
    scene.emit(ev.Unbonded, account=MINER, role=Role.MINER, amount=free - PARAMETERS.attest_bond)
    assert due(scene, MINER) == [asked]

    scene.emit(ev.Unbonded, account=MINER, role=Role.MINER, amount=1)
    assert due(scene, MINER) == []


def test_one_bond_is_for_all_that_an_author_explains_of_a_block_until_it_falls() -> None:
    """A flood of demands for explanations costs an honest author gas, which the fees pay for."""
    scene = Scene()
    block, other = scene.propose(), replace(EXPLANATION, index=10)
    scene.answer(scene.demand(block, EXPLANATION, V1), MINER)
    scene.emit(ev.Unbonded, account=MINER, role=Role.MINER, amount=scene.view.bond(MINER, Role.MINER).free)
    asked = scene.demand(block, other, V2)
    assert due(scene, MINER) == [asked]

    scene.refute(EXPLANATION.demand_id(block))
    assert due(scene, MINER) == []


def test_urgent_demands_come_first() -> None:
    scene = Scene()
    block = scene.propose()
    patient = scene.demand(block, ROOTS, V1, window=60)
    urgent = scene.demand(block, EXPLANATION, V1)

    assert due(scene, MINER) == [urgent, patient]


def test_pitfall_09_answers_end_where_they_cost_more_than_the_bond_that_they_save() -> None:
    """An audit found: at 50 gwei attesters spent 1.6 ETH to save 0.25."""
    price, large = 50 * GWEI, bytes(1 << 16)
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.attest(block, V1)
    shown = 0
    while True:
        position = Position(Item.LEAVES, tensor=shown)
        asked = scene.demand(block, position, V2, window=600)
        scene.wait(300)
        if due(scene, V1, price) != [asked]:
            break
        scene.answer(asked, V1, large)
        shown += 1
    paid = shown * (len(large) * 41 + 80_000) * price - shown * FEE
    assert PARAMETERS.attest_bond // 2 < paid < PARAMETERS.attest_bond

    assert due(scene, CHEAT, price) == [asked]  # its miner would lose more
    assert due(scene, V1, 6 * GWEI) == [asked]  # the price of the hour


def test_pitfall_09_a_flood_is_answered_to_the_end_where_fees_pay_for_it() -> None:
    """An audit found: accomplices demanded more than attesters would answer by count, and took their bonds."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.attest(block, V1)
    for number in range(100):
        asked = scene.demand(block, Position(Item.LEAVES, tensor=number), V2, window=ANSWER)
        scene.wait(ANSWER - 1)
        assert due(scene, V1, 6 * GWEI) == [asked]
        scene.answer(asked, V1, bytes(1 << 16))


def test_a_false_explanation_by_another_is_not_answered_for() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1)
    about = scene.demand(block, EXPLANATION, V2)
    scene.answer(about, V3, trace_root=keccak(b"false"))
    scene.demand(block, replace(EXPLAINED_LEAVES, explanation=keccak(b"false")), V2)
    scene.wait(ANSWER - 1)

    assert due(scene, V1) == due(scene, MINER) == []


def test_own_explanation_is_known_by_its_trace_root() -> None:
    scene = Scene()
    block = scene.propose()
    scene.answer(scene.demand(block, EXPLANATION, V2), MINER)
    view = scene.view.blocks[block]

    assert view.stands(EXPLAINED_LEAVES)
    assert not view.stands(replace(EXPLAINED_LEAVES, explanation=keccak(b"another")))
    assert view.explained_at(replace(EXPLANATION, explanation=TRACE_ROOT)) == scene.now
