"""What a verifier demands on L1: a step of a walk at a time, in time, within means, and what matters first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pol_oracle.agents.rules.actions import Action, Demand, Hasten
from pol_oracle.agents.rules.demands import demands, exhausted
from pol_oracle.agents.rules.policy import DEMANDS, Policy
from pol_oracle.agents.rules.urgency import answered
from pol_oracle.agents.rules.verdicts import Invalid, Valid, Verdict
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.positions import Item, MissingItem, Position, Tree, deadline
from tests.agents.scene import (
    BITS,
    CHEAT,
    ETH,
    EXPLAINED_LEAVES,
    EXPLANATION,
    FEE,
    LEAVES,
    NODES,
    OPENING,
    PARAMETERS,
    ROOTS,
    STEPS,
    V1,
    V2,
    V3,
    Scene,
    lacks,
    refutation,
    verifier,
)

WINDOW, ANSWER = PARAMETERS.challenge_window, PARAMETERS.answer_window
SEGMENT_ROOTS = Position(Item.ROOTS, Tree.SEGMENT, index=3)


def made(scene: Scene, *verdicts: Verdict) -> list[Action]:
    return list(demands(scene.view, verifier(V1, *verdicts), PARAMETERS))


def demanded(scene: Scene, *verdicts: Verdict) -> list[Position]:
    return [action.lacking.position for action in made(scene, *verdicts) if isinstance(action, Demand)]


def test_pitfall_03_demands_what_its_replay_lacks() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    header = scene.view.blocks[block].header
    assert header is not None

    assert made(scene, lacks(block, ROOTS)) == [Demand(block, header, MissingItem(ROOTS, OPENING))]


def test_a_position_is_demanded_once_whoever_demanded_it() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    others = scene.demand(block, ROOTS, V2)
    assert demanded(scene, lacks(block, ROOTS)) == []

    scene.answer(others, CHEAT)
    assert demanded(scene, lacks(block, ROOTS)) == []
    assert answered(scene.view.blocks[block], lacks(block, ROOTS))


def test_the_walk_goes_on_below_what_anybody_brought_to_light() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    assert demanded(scene, lacks(block, NODES)) == []  # L1 would refuse it

    scene.show(block, ROOTS, demander=V2)
    assert demanded(scene, lacks(block, NODES)) == [NODES]


@pytest.mark.parametrize(
    ("position", "above"),
    [(SEGMENT_ROOTS, STEPS), (EXPLANATION, BITS), (NODES, ROOTS), (LEAVES, NODES), (LEAVES, ROOTS)],
)
def test_what_lies_below_something_waits_for_it(position: Position, above: Position) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    asked = scene.demand(block, above, V2)
    assert demanded(scene, lacks(block, position)) == []

    scene.answer(asked, CHEAT)
    assert demanded(scene, lacks(block, position)) == [position]


def test_one_walk_at_a_time_about_a_block() -> None:
    """L1 takes one open demand of an account about a block."""
    scene = Scene()
    block, other = scene.propose(miner=CHEAT), scene.propose(miner=CHEAT, nonce=1)
    scene.demand(block, STEPS, V1)

    assert demanded(scene, lacks(block, ROOTS), lacks(other, ROOTS)) == [ROOTS]
    scene.demand(other, STEPS, V2)
    assert demanded(scene, lacks(block, ROOTS), lacks(other, ROOTS)) == [ROOTS]


def test_walks_begin_inside_the_window_only() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.wait(scene.view.blocks[block].proposed_at + WINDOW - 1 - scene.now)
    assert demanded(scene, lacks(block, ROOTS)) == [ROOTS]

    scene.wait(1)
    assert demanded(scene, lacks(block, ROOTS)) == []


def test_after_the_window_walks_go_on_below_fresh_answers() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.wait(WINDOW - 2)
    asked = scene.demand(block, ROOTS, V2)
    scene.wait(4)
    scene.answer(asked, CHEAT)
    assert demanded(scene, lacks(block, STEPS)) == []

    scene.wait(ANSWER - 1)
    assert demanded(scene, lacks(block, NODES)) == [NODES]
    scene.wait(1)
    assert demanded(scene, lacks(block, NODES)) == []


def test_what_is_below_an_explanation_is_demanded_while_it_stands() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.show(block, BITS)
    about = scene.demand(block, EXPLANATION, V2)
    verdict = lacks(block, EXPLAINED_LEAVES)
    assert demanded(scene, verdict) == []

    scene.answer(about, CHEAT)
    assert demanded(scene, verdict) == [EXPLAINED_LEAVES]
    scene.refute(about)
    assert demanded(scene, verdict) == []
    assert answered(scene.view.blocks[block], verdict)  # another replay says what is lacking now


def test_what_was_demanded_of_an_explanation_is_demanded_anew_if_it_is_given_again() -> None:
    """Else a false explanation would only have to be given twice."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.show(block, BITS)
    about = scene.demand(block, EXPLANATION, V2)
    scene.answer(about, V3)
    scene.wait()
    (first,) = made(scene, lacks(block, EXPLAINED_LEAVES))
    asked = scene.demand(block, EXPLAINED_LEAVES, V1)
    assert demanded(scene, lacks(block, EXPLAINED_LEAVES)) == []
    scene.wait(ANSWER)
    scene.expire(asked)
    assert not scene.view.blocks[block].stands(EXPLAINED_LEAVES)

    scene.wait()
    scene.answer(about, V3)
    (again,) = made(scene, lacks(block, EXPLAINED_LEAVES))
    assert again.key != first.key


def test_pitfall_11_deadlines_that_outlive_what_stretched_them_are_moved() -> None:
    scene = Scene()
    block, other = scene.propose(miner=CHEAT), scene.propose(miner=CHEAT, nonce=1)
    scene.demand(block, ROOTS, V1, window=ANSWER)
    assert made(scene, lacks(block, ROOTS)) == []  # nothing to gain

    slow = scene.demand(other, ROOTS, V2, window=deadline(0, ANSWER, 100))
    until = scene.view.demands[slow].deadline
    assert made(scene, lacks(other, ROOTS)) == [Hasten(other, ROOTS, until)]
    scene.emit(ev.DeadlineMoved, block_id=other, demand_id=slow, deadline=scene.now + ANSWER)
    assert made(scene, lacks(other, ROOTS)) == []


def test_demands_no_more_than_it_can_pay() -> None:
    scene = Scene()
    blocks = [scene.propose(miner=CHEAT, nonce=n) for n in range(4)]
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=3 * ETH - 3 * FEE + 1)

    assert len(made(scene, *(lacks(block, ROOTS) for block in blocks))) == 2


def test_pitfall_09_blocks_that_could_be_finalized_next_come_first() -> None:
    """Others may be decoys that use up its bond. Who attests late must not be able to hide the one that matters."""
    scene = Scene()
    decoy, wrong = scene.propose(miner=CHEAT), scene.propose(miner=CHEAT, nonce=1)
    above = scene.propose(wrong, miner=CHEAT)
    assert scene.view.head == above
    scene.attest(decoy, V2, V3)
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=3 * ETH - 2 * FEE)
    verdicts = [lacks(block, ROOTS) for block in (decoy, above, wrong)]

    assert [a.block_id for a in made(scene, *verdicts) if isinstance(a, Demand)] == [wrong, above]
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=2 * FEE)
    assert list(exhausted(scene.view, verifier(V1, *verdicts), PARAMETERS)) == [wrong, above, decoy]


def test_nothing_is_demanded_of_a_block_in_a_final_state() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.slash(block, V2)

    assert demanded(scene, lacks(block, ROOTS)) == []


def test_a_verifier_needs_a_bond_that_sees_the_deepest_walks_through_for_all_blocks_that_can_be_pending() -> None:
    """An audit found: four blocks were withheld at once, and the bond that was enough to start ran out."""
    policy = Policy(walks=10)
    assert policy.needed(PARAMETERS) == 10 * DEMANDS * FEE + 2 * PARAMETERS.attest_bond

    crowded = replace(PARAMETERS, target_interval=1, half_life=60)  # as many blocks pending as the window has seconds
    assert policy.reserve(crowded) == WINDOW * DEMANDS * FEE


def test_walks_of_all_pending_blocks_fit_into_what_a_verifier_needs_at_least() -> None:
    """Every answer shows where to look next; all fees are locked until the blocks are judged."""
    scene, policy = Scene(), Policy(walks=5)
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=3 * ETH - policy.reserve(PARAMETERS))
    for nonce in range(policy.walks):
        block = scene.propose(miner=CHEAT, nonce=nonce)
        for position in (STEPS, SEGMENT_ROOTS, *(replace(SEGMENT_ROOTS, item=Item.NODES, tensor=n) for n in range(4))):
            assert demanded(scene, lacks(block, position)) == [position]
            scene.show(block, position, demander=V1)

    assert scene.view.bond(V1, Role.VERIFIER).free == 0


def test_a_right_block_is_looked_at_again_when_somebody_explains_something_of_it() -> None:
    scene = Scene()
    block = scene.propose()
    scene.show(block, BITS)
    assert not answered(scene.view.blocks[block], Valid(block))

    scene.show(block, EXPLANATION)
    assert answered(scene.view.blocks[block], Valid(block))


def test_a_refuted_explanation_ends_the_verdict_that_it_was_false() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    about = scene.demand(block, EXPLANATION, V2)
    scene.answer(about, CHEAT)
    verdict = Valid(block, false_explanation=Invalid(block, "a false explanation", refutation()))
    assert not answered(scene.view.blocks[block], verdict)

    scene.refute(about)
    assert answered(scene.view.blocks[block], verdict)
