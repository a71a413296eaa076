"""What is demanded on L1, and who answers: as much as helps, in time, within means, and by whom it concerns."""

from __future__ import annotations

import pytest

from pol_oracle.agents.actions import Demand, Reveal
from pol_oracle.agents.decide import decide_miner, decide_verifier
from pol_oracle.agents.demands import demands, due_answers, exhausted
from pol_oracle.agents.knowledge import Miner, Verifier
from pol_oracle.agents.verdicts import Verdict
from pol_oracle.chain import events as ev
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from pol_oracle.protocol.positions import MAX_LATE, Item, Position, Tree
from tests.agents.scene import (
    CHEAT,
    ETH,
    EXPLANATION,
    FEE,
    LEAVES,
    MINER,
    NODES,
    PARAMETERS,
    POLICY,
    ROOTS,
    TASK,
    V1,
    V2,
    V3,
    Scene,
    answer_of,
    describe,
    verifier,
)

WINDOW, ANSWER = PARAMETERS.challenge_window, PARAMETERS.answer_window
MANY = tuple(Position(Item.LEAVES, tensor=n) for n in range(30))


def lacks(block: bytes, *positions: Position) -> Verifier:
    """A verifier whose replay of a block lacks something."""
    return verifier(V1, Verdict(block, EvidenceKind.WITHHELD, "not served", demands=positions))


def demanded(scene: Scene, own: Verifier) -> list[Position]:
    return [a.position for a in demands(scene.view, own, PARAMETERS, POLICY) if isinstance(a, Demand)]


def due(scene: Scene, me: str) -> list[bytes]:
    return [demand.id for demand in due_answers(scene.view, me, PARAMETERS, POLICY.stagger)]


def revealed(scene: Scene, me: str, block: bytes, position: Position = ROOTS) -> list[Reveal]:
    """What an agent shows that has computed an answer."""
    if me in (MINER, CHEAT):
        own = Miner(me, TASK, {}, frozenset(), {(block, position): answer_of(position)})
        actions = decide_miner(scene.view, own, PARAMETERS, POLICY)
    else:
        actions = decide_verifier(scene.view, verifier(me, answers=((block, position),)), PARAMETERS, POLICY)
    return [a for a in actions if isinstance(a, Reveal)]


# --- demanding ---


def test_pitfall_03_demands_what_its_replay_lacks_all_at_once() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)

    actions = list(demands(scene.view, lacks(block, ROOTS, NODES), PARAMETERS, POLICY))

    assert actions == [Demand(block, p, describe(p)) for p in (ROOTS, NODES)]


def test_own_demand_is_not_repeated_open_or_answered() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    made = scene.demand(block, ROOTS, V1)
    assert demanded(scene, lacks(block, ROOTS, NODES)) == [NODES]

    scene.answer(made, CHEAT)
    assert demanded(scene, lacks(block, ROOTS, NODES)) == [NODES]


def test_pitfall_09_open_demand_of_another_does_not_stand_in_but_its_answer_does() -> None:
    """The other may be the cheat's friend, who lets the window run out: late demands follow answers to one's own."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    friends = scene.demand(block, ROOTS, V2)
    assert demanded(scene, lacks(block, ROOTS, NODES)) == [ROOTS, NODES]

    scene.answer(friends, CHEAT)
    assert demanded(scene, lacks(block, ROOTS, NODES)) == [NODES]


def test_pitfall_09_what_was_shown_to_others_only_is_demanded_in_part_to_have_a_say_after_the_window() -> None:
    """A replay that ends late finds all it lacked shown, goes on, and lacks the next thing after the window."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    for position in (ROOTS, NODES):
        scene.answer(scene.demand(block, position, V2), CHEAT)
    assert demanded(scene, lacks(block, ROOTS, NODES)) == [ROOTS]

    own = scene.demand(block, ROOTS, V1)
    assert demanded(scene, lacks(block, ROOTS, NODES)) == []

    scene.wait(WINDOW)
    scene.answer(own, CHEAT)
    assert demanded(scene, lacks(block, LEAVES)) == [LEAVES]


def test_demands_begin_inside_the_window_only() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    proposed = scene.view.blocks[block].proposed_at
    scene.wait(proposed + WINDOW - 1 - scene.now)
    assert demanded(scene, lacks(block, ROOTS)) == [ROOTS]

    scene.wait(1)
    assert demanded(scene, lacks(block, ROOTS)) == []


def test_after_the_window_a_fresh_answer_to_an_own_demand_lets_it_go_on() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.wait(WINDOW - 2)
    own, others = scene.demand(block, ROOTS, V1), scene.demand(block, LEAVES, V2)
    scene.wait(4)
    scene.answer(others, CHEAT)
    assert demanded(scene, lacks(block, NODES)) == []

    scene.answer(own, CHEAT)
    scene.wait(ANSWER - 1)
    assert demanded(scene, lacks(block, NODES)) == [NODES]

    scene.wait(1)
    assert demanded(scene, lacks(block, NODES)) == []


def test_late_demands_are_few() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    early = scene.demand(block, ROOTS, V1)
    scene.wait(WINDOW)
    scene.answer(early, CHEAT)
    assert demanded(scene, lacks(block, *MANY)) == list(MANY[:MAX_LATE])

    for position in MANY[:MAX_LATE]:
        scene.answer(scene.demand(block, position, V1), CHEAT)
    assert demanded(scene, lacks(block, *MANY)) == []


def test_demands_no_more_than_it_can_pay() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=3 * ETH - 3 * FEE + 1)

    assert demanded(scene, lacks(block, *MANY)) == list(MANY[:2])


def test_pitfall_09_blocks_that_could_be_finalized_come_first_when_money_is_short() -> None:
    """Right blocks whose weights are withheld are cheap decoys: their miners are paid for what they show."""
    scene = Scene()
    decoy, wrong = scene.propose(miner=CHEAT), scene.propose(miner=CHEAT, nonce=1)
    scene.attest(wrong, V2, V3)
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=3 * ETH - 3 * FEE)
    verdicts = [Verdict(b, EvidenceKind.WITHHELD, "not served", demands=MANY[:2]) for b in (decoy, wrong)]
    own = verifier(V1, *verdicts)

    actions = list(demands(scene.view, own, PARAMETERS, POLICY))

    assert [a.block_id for a in actions if isinstance(a, Demand)] == [wrong, wrong, decoy]
    assert list(exhausted(scene.view, own, PARAMETERS, POLICY)) == []
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=3 * FEE)
    assert set(exhausted(scene.view, own, PARAMETERS, POLICY)) == {decoy, wrong}


def test_demands_no_more_than_it_is_ready_to_spend_on_a_block_and_tells_so() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    own = lacks(block, *MANY)
    limit = POLICY.max_demands
    assert demanded(scene, own) == list(MANY[:limit])
    assert list(exhausted(scene.view, own, PARAMETERS, POLICY)) == []

    for position in MANY[:limit]:
        scene.demand(block, position, V1)
    assert demanded(scene, own) == []
    assert list(exhausted(scene.view, own, PARAMETERS, POLICY)) == [block]
    assert list(exhausted(scene.view, lacks(block, *MANY[:limit]), PARAMETERS, POLICY)) == []


def test_nothing_is_demanded_of_a_block_in_a_final_state() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.slash(block, V2)

    assert demanded(scene, lacks(block, ROOTS)) == []


# --- answering ---


def test_miner_answers_at_once_and_only_for_its_own_blocks() -> None:
    scene = Scene()
    block = scene.propose()
    made = scene.demand(block, ROOTS, V1)

    assert due(scene, MINER) == [made]
    assert due(scene, CHEAT) == due(scene, V1) == []
    header = scene.view.blocks[block].header
    assert header is not None
    assert revealed(scene, MINER, block) == [Reveal(block, header, V1, ROOTS, answer_of(ROOTS))]


def test_each_demander_is_answered() -> None:
    scene = Scene()
    block = scene.propose()
    for demander in (V1, V2):
        scene.demand(block, ROOTS, demander)

    assert [a.demander for a in revealed(scene, MINER, block)] == [V1, V2]


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
    made = scene.demand(block, ROOTS, V1)
    scene.wait(ANSWER - 1)
    assert due(scene, MINER) == [made]

    scene.wait(1)
    assert due(scene, MINER) == []


def test_pitfall_09_attesters_step_in_one_by_one_after_the_miner() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    made = scene.demand(block, ROOTS, V3, window=600)
    turns: dict[str, int] = {}
    for second in range(60):
        turns |= {v: second for v in (V1, V2, V3) if v not in turns and due(scene, v) == [made]}
        scene.wait()

    assert sorted(turns.values()) == [2 * POLICY.stagger, 3 * POLICY.stagger]
    assert set(turns) == {V1, V2}  # V3 has nothing to lose


def test_attesters_step_in_while_there_is_time() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    made = scene.demand(block, ROOTS, V3)  # so short that their turns would come after the deadline
    scene.wait(ANSWER // 2)

    assert due(scene, V1) == due(scene, V2) == [made]
    assert [a.demander for a in revealed(scene, V1, block)] == [V3]


@pytest.mark.parametrize("tree", [Tree.BEFORE, Tree.AFTER])
def test_how_a_sample_was_evaluated_only_the_miner_says(tree: Tree) -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1)
    roots = scene.demand(block, Position(Item.ROOTS, tree, index=3), V2)
    leaves = scene.demand(block, Position(Item.LEAVES, tree, index=3, tensor=4), V2)
    scene.wait(ANSWER - 1)

    assert due(scene, V1) == [leaves]
    assert due(scene, MINER) == [roots, leaves]


def test_urgent_demands_come_first() -> None:
    scene = Scene()
    block = scene.propose()
    patient = scene.demand(block, ROOTS, V1, window=60)
    urgent = scene.demand(block, EXPLANATION, V1)

    assert due(scene, MINER) == [urgent, patient]


def test_pitfall_09_attester_stops_answering_where_its_answers_cost_more_than_its_bond() -> None:
    """Whoever floods a block with demands may be its miner's friend, and have it slashed in the end: nobody pays."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.attest(block, V1)
    most = PARAMETERS.attest_bond // FEE
    for number in range(most):
        scene.answer(scene.demand(block, Position(Item.LEAVES, tensor=number), V2), V1)
    left = scene.demand(block, ROOTS, V2)
    scene.wait(ANSWER - 1)

    assert due(scene, V1) == []
    assert due(scene, CHEAT) == [left]  # its miner would lose more
