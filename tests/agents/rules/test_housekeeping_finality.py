"""Blocks are finalized when L1 would accept it, by whom found them right, and one agent at a time."""

from __future__ import annotations

from pol_oracle.agents.rules.actions import Finalize, Release, SettleDemand
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.lifecycle import Role
from tests.agents.rules.housekeeper import ANSWER, TURN, WINDOW, due, first_turn
from tests.agents.scene import CHEAT, EXPLANATION, MINER, PARAMETERS, ROOTS, V1, V2, V3, Scene


def test_finalizes_after_window_and_quorum() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1)
    scene.wait(WINDOW)
    assert due(scene, MINER) == []  # one attestation is missing

    scene.attest(block, V2)
    assert due(scene, MINER) == [Finalize(block, block)]


def test_finalizes_only_what_it_found_right_or_mined() -> None:
    """An audit found: verifiers finalized blocks they had never seen, or held a proof against."""
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    scene.wait(WINDOW + 10 * TURN)

    assert due(scene, V1, right=()) == due(scene, CHEAT, right=()) == []
    assert due(scene, V1, right=(block,)) == [Finalize(block, block)]
    assert due(scene, MINER, right=()) == [Finalize(block, block)]


def test_pitfall_22_finalizes_on_a_witness_that_it_found_right_alone() -> None:
    """An audit found: an agent made a block final by the work of one above it that it held a proof against."""
    scene = Scene()
    scene.chain(2)
    first = scene.propose(miner=CHEAT, nonce=1)
    second = scene.propose(first, miner=CHEAT)
    above = scene.propose(second, miner=CHEAT)
    scene.attest(first, V1, V2)
    scene.wait(WINDOW + 10 * TURN)  # all is judged, and the third block alone outweighs what is beside it

    assert not any(isinstance(a, Finalize) for a in due(scene, V1, right=(first,)))
    assert not any(isinstance(a, Finalize) for a in due(scene, V1, right=(first, second)))
    assert not any(isinstance(a, Finalize) for a in due(scene, V1, right=(first, above)))
    assert Finalize(first, above) in due(scene, V1, right=(first, second, above))
    assert Finalize(first, above) in due(scene, CHEAT, right=())  # its own


def test_pitfall_22_garbage_buys_no_finality() -> None:
    """An audit found: a pile of garbage on an inferior block orphaned thirty honest blocks."""
    scene = Scene()
    honest = scene.chain(3)
    inferior = scene.propose(miner=CHEAT, nonce=1)
    scene.attest(inferior, V1, V2)
    garbage = inferior
    for nonce in range(4):
        garbage = scene.propose(garbage, miner=CHEAT, nonce=nonce)
    assert scene.view.head == garbage
    assert scene.view.rivals == {honest[-1]}
    scene.demand(scene.view.blocks[garbage].parent, ROOTS, V1, window=10 * WINDOW)  # what is not right is not judged
    scene.wait(WINDOW)
    assert not any(isinstance(a, Finalize) for a in due(scene, CHEAT))


def test_finalizes_with_the_lowest_witness_that_is_better_than_what_contends() -> None:
    """A truly heavier branch wins once it is judged."""
    scene = Scene()
    rivals = scene.chain(2)
    first = scene.propose(nonce=1)
    branch = [first, *scene.chain(3, first)]
    scene.attest(first, V1, V2)
    assert scene.view.rivals == {rivals[-1]}
    scene.wait(scene.view.blocks[branch[2]].proposed_at + WINDOW - 1 - scene.now)
    assert due(scene, MINER) == []

    scene.wait()
    assert due(scene, MINER) == [Finalize(first, branch[2])]


def test_a_branch_that_was_slashed_contends_with_what_is_left_of_it() -> None:
    scene = Scene()
    kept = scene.propose(miner=CHEAT)
    bad = scene.propose(kept, miner=CHEAT)
    first = scene.propose(nonce=1)
    second = scene.propose(first)
    scene.propose(second)
    scene.attest(first, V1, V2)
    scene.wait(WINDOW)
    assert scene.view.rivals == {bad}
    scene.slash(bad)

    assert due(scene, MINER)[0] == Finalize(first, second)  # kept came before first


def test_does_not_finalize_inside_the_window() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)

    assert due(scene, MINER) == []


def test_pitfall_09_a_block_is_not_judged_while_a_demand_is_open_or_an_answer_is_fresh() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    scene.wait(WINDOW)
    made = scene.demand(block, demander=V3)
    assert Finalize(block, block) not in due(scene, MINER)

    scene.answer(made)
    scene.wait(ANSWER - 1)
    assert Finalize(block, block) not in due(scene, MINER)

    scene.wait(1)
    assert due(scene, MINER) == [Finalize(block, block)]


def test_miner_finalizes_its_own_block_and_others_follow_one_by_one() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2, V3)
    scene.wait(WINDOW - 1)

    turns = first_turn(scene, (MINER, V1, V2, V3))

    assert sorted(turns.values()) == [0, TURN, 2 * TURN, 3 * TURN]
    assert turns[MINER] == 0


def test_finalizes_the_lowest_block_of_the_heads_branch_only() -> None:
    scene = Scene()
    first = scene.propose()
    second = scene.propose(first)
    scene.attest(first, V1, V2)
    scene.attest(second, V1, V2)
    scene.wait(WINDOW)
    assert due(scene, MINER) == [Finalize(first, first)]

    scene.finalize(first)
    assert due(scene, MINER) == [Finalize(second, second)]


def test_pitfall_15_blocks_wait_for_verifiers_and_are_finalized_when_they_come() -> None:
    scene = Scene(verifiers=())
    blocks = scene.chain(10)
    scene.wait(10 * WINDOW)
    assert due(scene, MINER) == []

    for block in blocks:
        scene.attest(block, V1, V2)
        assert due(scene, MINER) == [Finalize(block, block)]
        scene.finalize(block)


def test_a_block_is_not_final_while_it_lacks_an_explanation() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    about = scene.demand(block, EXPLANATION, V3, window=2 * WINDOW)
    scene.wait(WINDOW)
    assert due(scene, MINER) == []

    scene.answer(about)
    scene.wait(ANSWER)
    assert due(scene, MINER) == [Finalize(block, block)]
    scene.finalize(block)
    assert due(scene, MINER) == [SettleDemand(block, EXPLANATION), Release(block, MINER)]
    scene.settle_demand(about)
    scene.emit(ev.SpeakerReleased, block_id=block, author=MINER)
    for attester in (V1, V2):
        scene.settle(block, attester)
    assert due(scene, MINER) == []
    assert not scene.view.unsettled


def test_pitfall_15_idle_accounts_with_bonds_delay_nobody_for_long() -> None:
    """Bonds cost nothing that is not given back, so a thousand of them must not be worth a thousand turns."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    for number in range(1000):
        bond = 1 if number % 2 else PARAMETERS.attest_bond
        scene.emit(ev.Deposited, account="0x" + f"{number:040x}", role=Role.VERIFIER, amount=bond)
    scene.attest(block, V2, V3)
    scene.wait(PARAMETERS.challenge_window + 5 * TURN)

    assert Finalize(block, block) in due(scene, V1)
