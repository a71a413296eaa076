"""Who joins on a node without old logs sees of all that lives what others see."""

from __future__ import annotations

import pytest
import structlog

from pol_oracle.agents.joining import ancestors
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.errors import ChainError, NodeTrouble, Pruned, Unreachable
from pol_oracle.protocol.lifecycle import Role
from tests.agents.joining.pruned import Joiner, PrunedL1, assert_same
from tests.agents.scene import CHEAT, ETH, GENESIS, V1, V2, V3


def played(blocks: int = 4) -> PrunedL1:
    """Final blocks, attested to, one on the other, and two on top that are pending."""
    l1 = PrunedL1()
    made = l1.chain(blocks + 2)
    for block in made[:blocks]:
        l1.attest(block, V1, V2)
        l1.wait(5)
        l1.finalize(block)
        l1.settle(block, V1)
        l1.settle(block, V2)
        l1.wait()
    l1.attest(made[blocks], V1)
    l1.wait()
    return l1


def test_on_a_node_with_all_logs_all_are_read() -> None:
    l1 = played()
    joiner = Joiner(l1)
    assert joiner.view().blocks.keys() == l1.full().blocks.keys()
    assert joiner.headers.read == 0


def test_a_node_that_refuses_all_logs_has_not_pruned_the_old_ones() -> None:
    l1 = played()
    joiner = Joiner(l1)
    l1.node.limited = True
    with pytest.raises(NodeTrouble, match="refuses its newest logs as well"):
        joiner.view()
    l1.node.limited = False
    assert joiner.view().blocks.keys() == l1.full().blocks.keys()


REFUSES = pytest.mark.parametrize("refuses", [False, True], ids=["shows none", "refuses"])


@REFUSES
def test_a_joiner_begins_from_the_finalized_tip(refuses: bool) -> None:
    l1 = played()
    l1.prune(refuses=refuses)
    joiner = Joiner(l1)
    with structlog.testing.capture_logs() as logs:
        assert_same(joiner.view(), l1.full(), V1)
    warning, begun = logs
    assert (warning["event"], warning["log_level"], warning["node"]) == (
        "old logs are pruned",
        "warning",
        l1.node.rpc.place,
    )
    assert (begun["event"], begun["block"]) == ("begun from a final block", l1.view.finalized_tip.hex())
    assert joiner.headers.read == 3  # the tip's own header is in its log


def test_one_that_was_told_goes_on_with_what_is_new() -> None:
    l1 = played()
    l1.prune()
    joiner = Joiner(l1)
    joiner.view()
    *_, below, top = l1.view.blocks
    for _ in range(3):
        l1.attest(below, V2)
        l1.wait(20)
        l1.finalize(below)
        l1.wait()
        assert_same(joiner.view(), l1.full(), V1)
        below, top = top, l1.propose(top)
    assert joiner.rolled_back == 0


def test_what_lost_before_the_tip_was_proposed_is_never_heard_of() -> None:
    l1 = PrunedL1()
    below = l1.propose()
    lost, dead = l1.propose(miner=CHEAT, nonce=1), l1.propose(miner=CHEAT, nonce=2)
    l1.attest(lost, V1)
    tip = l1.propose(below)
    late = l1.propose(below, CHEAT)
    for block in (below, tip):
        l1.finalize(block)
    l1.slash(lost, V2)
    l1.wait(20)
    l1.orphan(dead)
    l1.wait()
    l1.prune()

    joined = Joiner(l1).view()
    assert_same(joined, l1.full(), V1)
    assert joined.blocks.keys() == {GENESIS, below, tip, late}
    assert joined.bond(CHEAT, Role.MINER) == l1.full().bond(CHEAT, Role.MINER)


@pytest.mark.parametrize("earlier", [30, 100], ids=["less than two windows", "more"])
@REFUSES
def test_what_lost_of_late_is_still_answered_for(earlier: int, refuses: bool) -> None:
    """A miner that starts again must defend its block until that is orphaned: its bond is at stake in a walk."""
    l1 = PrunedL1(earlier)
    l1.wait(200)
    made = l1.chain(3)
    l1.wait(60)
    for block in made:
        l1.finalize(block)
    below = made[-1]
    oldest = l1.propose(below)
    l1.wait(12)
    start = l1.propose(oldest)
    lost = l1.propose(start, CHEAT)
    tip = l1.propose(start, nonce=1)
    l1.wait(25)
    for block in (oldest, start, tip):
        l1.finalize(block)
    l1.demand(lost)
    l1.wait()
    l1.prune(refuses=refuses)
    joiner = Joiner(l1, CHEAT)
    joined = joiner.view()
    assert_same(joined, l1.full(), CHEAT)
    assert [block.id for block in joined.pending] == [lost]
    assert joined.open_demands == l1.full().open_demands
    l1.orphan(lost)
    l1.wait()
    assert_same(joiner.view(), l1.full(), CHEAT)
    assert not joiner.history.view.pending


def test_an_attestation_of_before_is_still_settled() -> None:
    """Nobody else does it, and its bond would be locked for ever."""
    l1 = played()
    tip = l1.view.finalized_tip
    parent = l1.view.blocks[tip].parent
    l1.emit(ev.Attested, block_id=parent, verifier=V3)
    l1.emit(ev.Locked, account=V3, role=Role.VERIFIER, amount=ETH // 4)
    l1.wait()
    l1.prune()
    joiner = Joiner(l1, V3)
    assert [block.id for block in joiner.view().unsettled if V3 in block.attestations] == [parent]

    l1.settle(parent, V3)
    l1.wait()
    joined = joiner.view()
    assert parent not in {block.id for block in joined.unsettled}
    assert_same(joined, l1.full(), V3)


def test_a_long_way_is_gone_in_parts_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ancestors.Ancestors.walk, "__defaults__", (2,))
    l1 = played(6)
    l1.prune()
    joiner = Joiner(l1)
    with structlog.testing.capture_logs() as logs:
        assert [joiner.poll() for _ in range(3)] == [False, False, True]
    steps = [entry for entry in logs if entry["event"] == "following headers down to genesis"]
    assert [(step["done"], step["of"]) for step in steps] == [(2, 5), (4, 5)]
    assert_same(joiner.history.view, l1.full(), V1)


def test_a_header_that_is_nowhere_is_one_clear_error_until_it_is_there() -> None:
    l1 = played()
    l1.prune()
    joiner = Joiner(l1)
    joiner.headers.missing = {l1.view.finalized[1]}
    with pytest.raises(
        Pruned, match=r"no usable copy of header .* --rpc, or a store that serves the headers .*--store"
    ):
        joiner.view()
    joiner.headers.missing.clear()
    assert_same(joiner.view(), l1.full(), V1)
    assert joiner.headers.read == 4  # one of them twice


@REFUSES
def test_a_node_that_lacks_the_tip_s_log_as_well_is_waited_for_until_it_has_a_tip_s(refuses: bool) -> None:
    l1 = played()
    *_, below, _ = l1.view.blocks
    l1.prune(refuses=refuses)
    l1.node.kept += 1
    joiner = Joiner(l1)
    why = "pruned history unavailable" if refuses else "none of L1 block .* either, which holds final block"
    with pytest.raises(Pruned, match=rf"{why}.*: give the RPC address of a node that keeps them"):
        joiner.view()
    l1.finalize(below)
    l1.wait()
    assert_same(joiner.view(), l1.full(), V1)


def test_a_network_without_final_blocks_is_read_as_ever() -> None:
    l1 = PrunedL1()
    l1.propose()
    l1.node.kept = 2
    assert Joiner(l1).view().head != GENESIS


@pytest.mark.parametrize("what", ["block", "record", "bond", "logs"])
def test_a_node_that_goes_away_in_the_middle_is_waited_for(what: str) -> None:
    l1 = played()
    l1.prune()
    joiner = Joiner(l1)
    l1.node.away = {what}
    for _ in range(2):
        with pytest.raises(Unreachable):
            joiner.view()
    l1.node.away = set()
    assert_same(joiner.view(), l1.full(), V1)


def test_nothing_that_was_read_is_lost_whichever_question_is_not_answered() -> None:
    for answered in range(100):
        l1 = played()
        l1.prune()
        joiner = Joiner(l1)
        l1.node.away = {"credit"}
        with pytest.raises(Unreachable):  # it has read all there is by then
            joiner.view()
        l1.node.away = set()
        l1.attest(l1.view.head, V2)
        l1.wait()
        l1.node.drops = answered
        try:
            joiner.view()
        except Unreachable:
            assert_same(joiner.view(), l1.full(), V1)
        else:
            break
    assert answered > 1


def test_what_is_read_anew_is_begun_anew() -> None:
    l1 = played()
    l1.prune()
    joiner = Joiner(l1)
    joiner.view()
    *_, below, _ = l1.view.blocks
    l1.attest(below, V2)
    l1.finalize(below)
    l1.wait()
    l1.prune()  # further

    joiner.source.reread()
    assert_same(joiner.view(), l1.full(), V1)
    assert joiner.rolled_back == 1
    l1.node.kept = 1  # another node, say
    joiner.source.reread()
    assert joiner.view().blocks.keys() == l1.full().blocks.keys()


def test_a_registry_that_contradicts_itself_is_asked_again() -> None:
    l1 = played()
    l1.prune()
    joiner, l1.node.work = Joiner(l1), 7
    with pytest.raises(ChainError, match="does not follow from the one below"):
        joiner.view()
    l1.node.work = None
    assert_same(joiner.view(), l1.full(), V1)


@pytest.mark.parametrize("depth", [1, 3, 8, 14])
def test_a_reorganisation_takes_back_what_it_took(depth: int) -> None:
    l1 = played()
    l1.prune()
    joiner = Joiner(l1)
    joiner.view()
    for _ in range(4):
        l1.propose(l1.view.head)
    joiner.view()
    l1.reorg(l1.l1_block - 1 - depth)
    l1.wait()
    l1.prune()  # what the node has is enough to begin anew
    assert_same(joiner.view(), l1.full(), V1)
    l1.attest(l1.view.head, V3)
    l1.wait()
    assert_same(joiner.view(), l1.full(), V1)
