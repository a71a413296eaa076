"""What a miner builds on and proposes."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.agents.rules.actions import Action, Propose
from pol_oracle.agents.rules.decide import choose_parent, decide_miner, search_difficulty, useless
from pol_oracle.agents.rules.knowledge import Miner, Parent
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.view.lineage import Chain
from tests.agents.scene import CHEAT, ETH, GENESIS, MINER, PARAMETERS, POLICY, TASK, Scene

OTHER = CHEAT  # another miner, honest or not


def miner(*proofs: Header, verified: tuple[bytes, ...] = ()) -> Miner:
    return Miner(MINER, TASK, dict.fromkeys(proofs, PARAMETERS.difficulty), frozenset(verified))


RETARGETING = replace(PARAMETERS, target_interval=60, half_life=360)


def searching(scene: Scene, own: Miner) -> int:
    return search_difficulty(scene.view, own, choose_parent(scene.view, own)[0], scene.parameters)


def decide(scene: Scene, own: Miner) -> tuple[Action, ...]:
    return decide_miner(scene.view, own, PARAMETERS, POLICY)


def test_starts_on_genesis() -> None:
    assert choose_parent(Scene().view, miner()) == (Parent(GENESIS), 0)


def test_builds_on_what_it_verified_and_not_on_the_head_it_did_not() -> None:
    scene = Scene()
    block = scene.propose(miner=OTHER)
    header = scene.view.blocks[block].header
    assert header is not None

    assert choose_parent(scene.view, miner())[0].id == GENESIS
    assert choose_parent(scene.view, miner(verified=(block,)))[0] == Parent(block, Chain((), header))


def test_builds_on_its_own_block_without_a_replay() -> None:
    scene = Scene()
    block = scene.propose(miner=MINER)

    assert choose_parent(scene.view, miner())[0].id == block


def test_pitfall_15_invalid_head_with_many_descendants_stalls_nobody() -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    descendants = scene.chain(20, bad, OTHER)
    good = scene.propose(miner=MINER, nonce=9)
    assert scene.view.head == descendants[-1]

    own = miner(verified=tuple(descendants))  # each is right by itself, but stands on a block that is not
    assert choose_parent(scene.view, own)[0].id == good

    scene.slash(bad)
    assert choose_parent(scene.view, own)[0].id == good
    proof = scene.header(good, nonce=10)
    assert Propose(proof.id(TASK), proof, PARAMETERS.difficulty) in decide(
        scene, miner(proof, verified=tuple(descendants))
    )


def test_dead_end_is_left_for_the_best_block_beside_it() -> None:
    """The segment after it is not finite, so no child of it can be valid; be it one's own."""
    scene = Scene()
    own, other = scene.propose(miner=MINER), scene.propose(miner=OTHER, nonce=1)
    above = scene.propose(own, miner=MINER, nonce=2)

    assert choose_parent(scene.view, miner(verified=(other,)))[0].id == above
    stuck = replace(miner(verified=(other,)), dead_ends=frozenset({own}))
    assert choose_parent(scene.view, stuck)[0].id == other


def test_proof_that_is_a_dead_end_is_not_built_on_while_it_is_under_way() -> None:
    scene = Scene()
    proof = scene.header()
    stuck = replace(miner(proof), dead_ends=frozenset({proof.id(TASK)}))
    assert choose_parent(scene.view, stuck) == (Parent(GENESIS), 0)


def test_finalized_tip_is_trusted() -> None:
    scene = Scene()
    block = scene.propose(miner=OTHER)
    scene.finalize(block)

    assert choose_parent(scene.view, miner())[0].id == block


def test_proof_on_its_way_to_l1_is_built_on() -> None:
    scene = Scene()
    proof = scene.header()
    parent, ahead = choose_parent(scene.view, miner(proof))
    assert (parent, ahead) == (Parent(proof.id(TASK), Chain((), proof)), 1)

    above = scene.header(proof.id(TASK), nonce=1)
    assert choose_parent(scene.view, miner(proof, above))[1] == 2
    assert decide(scene, miner(proof, above)) == (
        Propose(proof.id(TASK), proof, PARAMETERS.difficulty),
    )  # one after the other


def test_proof_is_proposed_until_l1_shows_it() -> None:
    scene = Scene()
    proof = scene.header()
    assert decide(scene, miner(proof)) == (Propose(proof.id(TASK), proof, PARAMETERS.difficulty),)

    block = scene.propose()
    assert block == proof.id(TASK)
    assert decide(scene, miner(proof)) == ()
    assert choose_parent(scene.view, miner(proof))[1] == 0
    assert not useless(scene.view, miner(proof), PARAMETERS)  # a reorg may take it back

    scene.finalize(block)
    assert useless(scene.view, miner(proof), PARAMETERS) == [proof]


def test_proof_on_a_block_that_was_overtaken_is_not_proposed() -> None:
    scene = Scene()
    late = scene.header(nonce=3)
    block = scene.propose(miner=OTHER)

    assert decide(scene, miner(late, verified=(block,))) == ()
    assert not useless(scene.view, miner(late), PARAMETERS)  # a reorg or a slash may bring its parent back

    scene.slash(block)
    assert decide(scene, miner(late, verified=(block,)))[-1] == Propose(late.id(TASK), late, PARAMETERS.difficulty)


def test_proof_off_the_finalized_branch_is_useless() -> None:
    scene = Scene()
    late = scene.header(nonce=3)
    scene.finalize(scene.propose(miner=OTHER))

    assert useless(scene.view, miner(late), PARAMETERS) == [late]


def test_proposal_waits_for_its_bond() -> None:
    scene = Scene()
    proof = scene.header()
    scene.emit(ev.Unbonded, account=MINER, role=Role.MINER, amount=5 * ETH)
    assert decide(scene, miner(proof)) == ()

    scene.emit(ev.Deposited, account=MINER, role=Role.MINER, amount=PARAMETERS.miner_bond)
    assert decide(scene, miner(proof)) == ()  # nothing is left to explain it
    scene.emit(ev.Deposited, account=MINER, role=Role.MINER, amount=PARAMETERS.attest_bond)
    assert decide(scene, miner(proof)) == (Propose(proof.id(TASK), proof, PARAMETERS.difficulty),)


def test_pitfall_25_a_miner_keeps_what_it_takes_to_explain_each_of_its_blocks() -> None:
    """A bond that is all locked in blocks left nobody to speak for them."""
    scene = Scene()
    blocks = tuple(scene.chain(3))
    proof = scene.header(blocks[-1])
    free = PARAMETERS.miner_bond + 4 * PARAMETERS.attest_bond
    scene.emit(ev.Unbonded, account=MINER, role=Role.MINER, amount=scene.view.bond(MINER, Role.MINER).free - free + 1)
    assert decide(scene, miner(proof, verified=blocks)) == ()

    scene.emit(ev.Deposited, account=MINER, role=Role.MINER, amount=1)
    assert decide(scene, miner(proof, verified=blocks)) == (
        Propose(proof.id(TASK), proof, scene.view.child_difficulty(blocks[-1], PARAMETERS)),
    )


def test_pitfall_12_own_block_that_a_reorg_took_is_proposed_again_and_built_on() -> None:
    scene = Scene()
    to = scene.l1_block
    scene.wait()
    proof = scene.header()
    block = scene.propose()
    scene.reorg(to)

    assert decide(scene, miner(proof)) == (Propose(block, proof, PARAMETERS.difficulty),)
    assert choose_parent(scene.view, miner(proof))[0].id == block


def test_pitfall_12_proof_follows_its_parent_through_a_reorg() -> None:
    scene = Scene()
    to = scene.l1_block
    scene.wait()
    block = scene.propose(miner=OTHER)
    proof = scene.header(block, nonce=4)
    scene.reorg(to)

    assert decide(scene, miner(proof, verified=(block,))) == ()  # its parent is not there
    assert choose_parent(scene.view, miner(proof, verified=(block,)))[0].id == GENESIS


def test_searches_at_the_difficulty_that_its_parent_gives_its_children() -> None:
    scene = Scene(parameters=RETARGETING)
    assert searching(scene, miner()) == RETARGETING.difficulty
    first = scene.propose()
    assert searching(scene, miner()) == RETARGETING.difficulty  # the time since genesis says nothing

    scene.wait(200)
    second = scene.propose(first)
    block, parent = scene.view.blocks[second], scene.view.blocks[first]
    expected = RETARGETING.retarget(block.difficulty, block.proposed_at - parent.proposed_at)
    assert searching(scene, miner()) == expected < RETARGETING.difficulty


def test_on_a_proof_under_way_it_searches_at_what_its_block_can_have_at_most() -> None:
    scene = Scene(parameters=RETARGETING)
    first = scene.propose()
    scene.wait(20)
    second, third = scene.header(first, nonce=1), scene.header(scene.header(first, nonce=1).id(TASK), nonce=2)
    now = searching(scene, miner(second))
    elapsed = scene.now - scene.view.blocks[first].proposed_at
    assert now == RETARGETING.retarget(RETARGETING.difficulty, elapsed) > RETARGETING.difficulty
    assert searching(scene, miner(second, third)) == RETARGETING.retarget(now, 0)

    scene.wait(5)  # it is included later than that: what is built on it gets easier
    assert scene.propose(first, nonce=1) == second.id(TASK)
    assert searching(scene, miner(second)) < now
    assert not useless(scene.view, replace(miner(second), proofs={second: now, third: now}), RETARGETING)


def test_on_a_first_proof_under_way_it_searches_at_the_task_s_difficulty() -> None:
    scene = Scene(parameters=RETARGETING)
    assert searching(scene, miner(scene.header())) == RETARGETING.difficulty


def test_pitfall_12_a_proof_that_a_reorg_of_its_parent_made_too_easy_is_given_up() -> None:
    """Ids do not cover L1 times: the parent comes back in an earlier second, and its children are harder."""
    scene = Scene(parameters=RETARGETING)
    first, before = scene.propose(), scene.l1_block
    scene.wait(100)
    second = scene.propose(first, nonce=1)
    proof = scene.header(second, nonce=2)
    own = replace(miner(proof), proofs={proof: searching(scene, miner())})
    assert not useless(scene.view, own, RETARGETING)
    assert Propose(proof.id(TASK), proof, own.proofs[proof]) in decide(scene, own)

    scene.reorg(before)
    scene.now -= 90
    assert scene.propose(first, nonce=1) == second
    assert useless(scene.view, own, RETARGETING) == [proof]
