"""What L1 showed of a block is kept for as long as anybody could need it, whatever L1 takes back, and no longer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.errors import WrongChain
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.report.ledger import Ledger
from pol_oracle.view import History, history
from tests.agents.scene import BITS, CHEAT, EXPLANATION, GENESIS, MINER, ROOTS, V1, Scene


def kept(scene: Scene, block: bytes) -> set[bytes]:
    return set(scene.view.blocks[block].shown.values())


def test_answers_about_a_block_are_forgotten_once_it_was_judged_for_good() -> None:
    scene = Scene()
    final, pending = scene.propose(), scene.propose(nonce=1)
    scene.show(final, ROOTS, BITS, EXPLANATION)
    scene.show(pending, ROOTS, BITS, EXPLANATION)
    scene.wait()
    scene.finalize(final)
    judged_at = scene.now

    scene.history.forget(judged_at)  # the L1 block in which it was judged may still be taken back
    assert kept(scene, final) == {b"shown"}

    scene.history.forget(judged_at + 1)
    assert (kept(scene, final), kept(scene, pending)) == ({b""}, {b"shown"})
    assert not scene.view.blocks[final].open_demands
    assert sum(getattr(event, "answer", b"") == b"shown" for event in scene.history.events) == 3


def test_of_a_slashed_block_only_when_its_bond_is_gone() -> None:
    """Until then a proof of what was shown may take its bounty."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.show(block, ROOTS)
    scene.slash(block)
    scene.wait()
    scene.history.forget(scene.now)
    assert kept(scene, block) == {b"shown"}

    scene.forfeit(block)
    scene.wait()
    scene.history.forget(scene.now)
    assert kept(scene, block) == {b""}


def test_what_is_open_again_stays_open() -> None:
    scene = Scene()
    block = scene.propose()
    scene.show(block, BITS, EXPLANATION)
    scene.refute(EXPLANATION.demand_id(block))
    scene.finalize(block)
    scene.wait()
    scene.history.forget(scene.now)
    assert [demand.position for demand in scene.view.blocks[block].open_demands] == [EXPLANATION]


def test_a_roll_back_to_before_what_was_said_to_be_firm_has_everything_told_anew() -> None:
    """Only a node that lies about times can bring that about."""
    scene = Scene()
    block, pending_at = scene.propose(), scene.l1_block
    scene.show(block, ROOTS)
    scene.wait()
    scene.finalize(block)
    whole = list(scene.history.events)
    scene.history.forget(2 * scene.now)
    with pytest.raises(WrongChain, match="read anew"):
        scene.reorg(pending_at)

    scene.history.update(0, whole, scene.l1_block, scene.now)
    assert kept(scene, block) == {b"shown"}


def test_nor_is_money_summed_up_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "SUMMED", 1)
    scene = Scene()
    scene.propose()
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=1)
    whole, bonds = list(scene.history.events), dict(scene.view.bonds)
    scene.history.forget(2 * scene.now)
    with pytest.raises(WrongChain, match="read anew"):
        scene.reorg(scene.l1_block - 1)

    scene.history.update(0, whole, scene.l1_block, scene.now)
    assert scene.view.bonds == bonds


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("padmf"), st.integers(0, 9)), max_size=30), st.data())
def test_pitfall_12_nothing_that_a_roll_back_brings_back_is_missing(
    moves: list[tuple[str, int]], data: st.DataObject
) -> None:
    """Wherever L1 may still go back to: what was not judged by then is there as if nothing had been forgotten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "SUMMED", 5)
        scene, firm = Scene(), 0
        whole = list(scene.history.events)
        for nonce, (move, which) in enumerate(moves):
            before = len(scene.history.events)
            play(scene, move, which, nonce)
            whole += scene.history.events[before:]
            firm = data.draw(st.integers(firm, scene.now))
            scene.history.forget(firm)
    to = data.draw(st.one_of(st.just(0), st.integers(max(1, firm - 999), scene.l1_block)))  # a second per L1 block
    scene.reorg(to)

    fresh = History(GENESIS)
    view = fresh.update(None, [event for event in whole if event.at.l1_block <= to], scene.l1_block, scene.now)
    assert (scene.view.bonds, scene.view.credits) == (view.bonds, view.credits)
    assert scene.view.blocks.keys() == view.blocks.keys()
    for here, there in zip(scene.view.blocks.values(), view.blocks.values(), strict=True):
        assert here.shown == there.shown or (there.judged_at is not None and set(here.shown.values()) == {b""})
        assert (here.status, here.shown.keys()) == (there.status, there.shown.keys())


def play(scene: Scene, move: str, which: int, nonce: int) -> None:
    """Something that anybody could do on L1."""
    pending = [block.id for block in scene.view.pending]
    if move == "m":
        scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=1)
        scene.emit(ev.Collected, account=V1, amount=1)
        scene.wait()
    elif move == "p" or not pending:
        live = list(scene.view.live)
        scene.propose(live[which % len(live)], nonce=nonce)
    elif move == "a":
        scene.show(pending[which % len(pending)], Position(Item.LEAVES, tensor=nonce), data=bytes([nonce]))
        scene.wait()
    elif move == "d":
        scene.slash(pending[which % len(pending)])
        scene.forfeit(pending[which % len(pending)])
        scene.wait()
    elif scene.view.blocks[pending[0]].parent == scene.view.finalized_tip:
        scene.finalize(pending[0])
        scene.wait()


def test_money_that_is_moved_to_and_fro_is_not_remembered_for_ever() -> None:
    """It costs a contract that does it in a loop next to nothing."""
    scene, rounds, book = Scene(), 4 * history.SUMMED, Ledger()
    scene.finalize(scene.propose())
    moves = (ev.Deposited(V1, Role.VERIFIER, 1, scene.at()), ev.Unbonded(V1, Role.VERIFIER, 1, scene.at()))
    scene.history.update(None, moves * rounds, scene.l1_block, scene.now)
    before, firm = scene.view.bond(V1, Role.VERIFIER).total, scene.l1_block + 1
    for _ in range(2):
        scene.wait()
        scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=1)
    book.follow(scene.history.events)
    earned = dict(book.totals(MINER))
    scene.history.forget(scene.now - 1)
    assert len(scene.history.events) < 10
    book.follow(scene.history.events)
    assert book.totals(MINER) == earned

    scene.reorg(firm)
    assert scene.view.bond(V1, Role.VERIFIER).total == before - 1
    assert scene.view.credits[V1] == rounds + 1
