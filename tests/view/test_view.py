"""The view is a fold of events: same events, same view, whatever happened in between."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pol_oracle.agents.rules.forks import survivor
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.difficulty import work
from pol_oracle.protocol.errors import WrongChain
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.view import History
from tests.agents.scene import CHEAT, ETH, GENESIS, MINER, PARAMETERS, V1, V2, V3, Scene


def test_genesis_is_head_and_tip() -> None:
    view = Scene().view

    assert (view.head, view.finalized_tip) == (GENESIS, GENESIS)
    assert list(view.live) == [GENESIS]


def test_life_of_a_block_moves_head_tip_and_bonds() -> None:
    scene = Scene()
    block = scene.propose()
    assert scene.view.head == block
    assert scene.view.bond(MINER, Role.MINER).locked == PARAMETERS.miner_bond

    scene.attest(block, V1, V2)
    scene.finalize(block)

    assert scene.view.finalized_tip == block
    assert scene.view.blocks[block].status is Status.FINALIZED
    assert not scene.view.pending
    assert scene.view.bond(MINER, Role.MINER).locked == 0
    assert [b.id for b in scene.view.unsettled] == [block]

    scene.settle(block, V1)
    scene.settle(block, V2)
    assert not scene.view.unsettled


def test_live_blocks_descend_from_the_tip_and_have_no_slashed_ancestor() -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    child = scene.propose(bad)
    good = scene.propose(nonce=1)
    scene.slash(bad)

    assert set(scene.view.live) == {GENESIS, good}
    assert scene.view.head == GENESIS  # L1 falls back to the parent
    assert scene.view.best(scene.view.live) == good
    assert child in {b.id for b in scene.view.pending}


def test_lineage_leads_from_genesis_to_a_block_whatever_became_of_it() -> None:
    scene = Scene()
    first, second = scene.chain(2)
    rival = scene.propose(first, CHEAT, nonce=1)
    scene.finalize(first)
    scene.slash(rival)
    headers = {block: scene.view.blocks[block].header for block in (first, second, rival)}

    assert scene.view.lineage(GENESIS) == ()
    assert tuple(scene.view.lineage(second)) == (headers[first], headers[second])
    assert tuple(scene.view.lineage(rival)) == (headers[first], headers[rival])


def test_descendant_of_a_slashed_block_loses_half_of_its_bond() -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    child, loser = scene.propose(bad), scene.propose(nonce=1)
    scene.slash(bad)
    for block in (child, loser):
        scene.orphan(block)

    bond = scene.view.bond(MINER, Role.MINER)
    assert (bond.free, bond.locked) == (5 * ETH - PARAMETERS.miner_bond // 2, 0)


def test_rival_of_a_finalized_block_is_not_live() -> None:
    scene = Scene()
    winner, rival = scene.propose(), scene.propose(nonce=1)
    on_rival = scene.propose(rival)
    scene.finalize(winner)

    assert set(scene.view.live) == {winner}
    assert {b.id for b in scene.view.pending} == {rival, on_rival}


def test_pitfall_12_a_reorg_gives_a_block_and_its_children_the_difficulty_of_where_it_is_now() -> None:
    parameters = replace(PARAMETERS, target_interval=10, half_life=60)
    scene = Scene(parameters=parameters)
    first, fork = scene.propose(), scene.l1_block
    scene.wait(30)
    second = scene.propose(first)
    late = scene.view.child_difficulty(second, parameters)
    assert late == parameters.retarget(parameters.difficulty, 31) < parameters.difficulty

    scene.reorg(fork)
    assert scene.view.child_difficulty(first, parameters) == parameters.difficulty
    scene.now -= 25
    assert scene.propose(first) == second
    assert scene.view.child_difficulty(second, parameters) == parameters.retarget(parameters.difficulty, 7) > late


def test_work_follows_from_the_difficulty_a_block_was_born_with() -> None:
    parameters = replace(PARAMETERS, target_interval=10, half_life=60)
    scene = Scene(parameters=parameters)
    chain = scene.chain(6)
    difficulties = [scene.view.blocks[block].difficulty for block in chain]
    assert difficulties[:2] == [parameters.difficulty] * 2
    assert difficulties[1:] == sorted(set(difficulties))  # a block a second is too fast
    assert scene.view.blocks[chain[-1]].total_work == sum(map(work, difficulties))


def test_first_seen_wins_a_tie() -> None:
    scene = Scene()
    first, second = scene.propose(), scene.propose(nonce=1)

    assert scene.view.best([second, first]) == first


def test_money_follows_every_event_that_moves_it() -> None:
    scene = Scene()
    scene.emit(ev.Locked, account=V1, role=Role.VERIFIER, amount=ETH)
    scene.emit(ev.Forfeited, account=V1, role=Role.VERIFIER, amount=ETH, burned=ETH // 2)
    scene.emit(ev.Credited, account=V2, amount=ETH // 4)
    scene.emit(ev.Credited, account=MINER, amount=ETH // 4)
    scene.emit(ev.Unbonded, account=V3, role=Role.VERIFIER, amount=ETH)
    scene.emit(ev.Collected, account=V3, amount=ETH // 2)

    assert scene.view.bond(V1, Role.VERIFIER).total == 2 * ETH
    assert scene.view.bond(V1, Role.VERIFIER).locked == 0
    assert scene.view.credits == {V2: ETH // 4, MINER: ETH // 4, V3: ETH // 2}


def test_rivals_of_the_head_are_those_that_l1_tells_of() -> None:
    scene = Scene()
    first, rival = scene.propose(), scene.propose(nonce=1)
    second = scene.propose(first)
    other = scene.propose(rival)
    third = scene.propose(other)
    scene.emit(ev.HeadContested, block_id=first)
    assert scene.view.rivals == {first, second}
    assert survivor(scene.view, second) == scene.view.blocks[second]
    scene.slash(second)
    assert survivor(scene.view, second) == scene.view.blocks[first]

    scene.emit(ev.RivalDismissed, block_id=second)
    assert scene.view.rivals == {first}
    for block in (rival, other, third):
        scene.finalize(block)
    assert survivor(scene.view, first) is None


def test_event_about_an_unknown_block_is_refused() -> None:
    with pytest.raises(WrongChain, match="never proposed"):
        Scene().emit(ev.Attested, block_id=keccak(b"?"), verifier=V1)
    scene = Scene()
    with pytest.raises(WrongChain, match="never made"):
        scene.emit(ev.DemandExpired, block_id=scene.propose(), demand_id=keccak(b"?"), demander=V1)


def test_pitfall_12_reorg_forgets_exactly_what_l1_forgot() -> None:
    scene = Scene()
    kept = scene.propose()
    to = scene.l1_block - 1
    dropped = scene.propose(kept)
    scene.attest(kept, V1)
    scene.reorg(to)

    assert dropped not in scene.view.blocks
    assert scene.view.head == kept
    assert not scene.view.blocks[kept].attestations

    again = scene.propose(kept, nonce=7)  # another block takes the place at this height
    assert scene.view.head == again
    assert dropped not in scene.view.blocks


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.data())
def test_view_after_a_reorg_equals_a_view_that_never_saw_it(moves: list[int], data: st.DataObject) -> None:
    scene = Scene()
    for nonce, move in enumerate(moves):
        _move(scene, move, nonce, data)
    to = data.draw(st.integers(1, scene.l1_block))
    kept = [e for e in scene.history.events if e.at.l1_block <= to]
    scene.reorg(to)

    fresh = History(GENESIS)
    fresh.update(None, kept, scene.l1_block, scene.now)

    assert _facts(fresh) == _facts(scene.history)


def _move(scene: Scene, move: int, nonce: int, data: st.DataObject) -> None:
    pending = [b.id for b in scene.view.pending]
    if move <= 2 or not pending:
        scene.propose(data.draw(st.sampled_from(list(scene.view.live))), nonce=nonce % 256)
    elif move == 3:
        scene.attest(data.draw(st.sampled_from(pending)), V1)
        scene.answer(scene.demand(data.draw(st.sampled_from(pending)), Position(Item.LEAVES, tensor=nonce), V1))
    elif move == 4:
        scene.slash(data.draw(st.sampled_from(pending)))
    elif first := next(
        (b.id for b in scene.view.branch(scene.view.head) if b.parent == scene.view.finalized_tip), None
    ):
        scene.finalize(first)


def _facts(history: History) -> tuple[object, ...]:
    view = history.view
    blocks = [(b.id, b.status, b.total_work, tuple(b.attestations), b.shown) for b in view.blocks.values()]
    return view.head, view.finalized, set(view.live), blocks, view.demands, view.bonds


def test_catching_up_costs_the_same_per_event_however_long_the_chain() -> None:
    scene = Scene()
    parent = GENESIS
    for _ in range(300):
        parent = scene.propose(parent)
        scene.attest(parent, V1, V2)
        scene.finalize(parent)
    events = scene.history.events

    short, long = _calls(events[: len(events) // 4]), _calls(events)

    assert long < 4.5 * short


def _calls(events: list[ev.Event]) -> int:
    """Python calls that folding takes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    history = History(GENESIS)
    sys.setprofile(count)
    try:
        history.update(None, events, 0, 0)
    finally:
        sys.setprofile(None)
    return calls
