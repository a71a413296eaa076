"""Trouble of a node is no revert: calls leave as soon as it is well again, and hold up no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pol_oracle.l1.client import Client
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.journal import CallStatus
from pol_oracle.protocol.errors import Unreachable
from pol_oracle.soak.network.lies import TROUBLES, Lie, Question, Reply, hang_up, honestly, poor, refuse, with_status
from pol_oracle.soak.network.proxy import LyingProxy
from tests.l1.sending.acts import Open, commit, deposit, go_on, unbond


@pytest.mark.parametrize("trouble", TROUBLES, ids=range(len(TROUBLES)))
def test_pitfall_26_trouble_of_a_node_is_not_punished_like_a_revert(
    proxy: LyingProxy, open_sender: Open, mine: Callable[..., None], trouble: Callable[[Question], Reply]
) -> None:
    """A call left 32 blocks after the node was well again."""
    sender = open_sender()
    with proxy.lying(trouble, "eth_call", "eth_estimateGas"):
        for _ in range(8):
            sender.submit(commit())
            go_on(sender, mine, 1)
    assert sender.status_of("commit:1") is CallStatus.QUEUED
    sender.tick()
    assert sender.status_of("commit:1") is CallStatus.SENT, "at once"


@pytest.mark.parametrize("status", [200, 400, 500])
def test_pitfall_26_a_revert_does_not_hold_up_what_comes_behind_it(
    proxy: LyingProxy, open_sender: Open, mine: Callable[..., None], status: int
) -> None:
    """A verifier behind a node that answers with HTTP 400 made no call in 90 s."""
    proxy.lie(with_status(status))
    sender = open_sender()
    sender.submit(unbond(9))
    sender.submit(commit())
    assert {r.key: r.ok for r in go_on(sender, mine, 4)} == {"unbond:9": False, "commit:1": True}


def test_pitfall_26_one_call_that_a_node_never_answers_holds_up_no_other(
    proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()

    def picky(asked: Question) -> Reply:
        if asked.params[0].get("value") == hex(13):
            return refuse(-32603, "Internal error")(asked)
        return Reply(asked.pass_on(asked.method, asked.params))

    proxy.lie(picky, "eth_call", "eth_estimateGas")
    for call in (deposit(13), deposit(2), commit()):
        sender.submit(call)
    assert {r.key for r in go_on(sender, mine, 4)} == {"deposit:2", "commit:1"}


def test_pitfall_26_what_has_a_clock_rests_for_a_few_blocks_at_most(
    client: Client, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    """Also where a contract refuses it: a rest of 64 blocks is longer than an answer window."""
    sender = open_sender()
    with proxy.lying(refuse(3, "execution reverted"), "eth_call"):
        for _ in range(40):
            sender.submit(commit())
            go_on(sender, mine, 1)
    for _ in range(5):
        sender.submit(commit())
        go_on(sender, mine, 1)
    assert sender.status_of("commit:1") in (CallStatus.SENT, CallStatus.DONE)


def test_no_history_of_fees_holds_nothing_up(proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]) -> None:
    proxy.lie(refuse(-32601, "the method eth_feeHistory does not exist"), "eth_feeHistory")
    sender = open_sender()
    sender.submit(commit())
    assert [r.ok for r in go_on(sender, mine, 3)] == [True]


def test_a_node_that_says_there_is_no_money_delays_only_for_as_long(
    proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()
    with proxy.lying(poor, "eth_getBalance"):
        for _ in range(5):
            sender.submit(commit())
            go_on(sender, mine, 1)
    for _ in range(2):
        sender.submit(commit())
        sender.tick()
    assert sender.status_of("commit:1") is CallStatus.SENT


def page(status: int) -> Lie:
    """What a proxy says that takes no body of this length, or whose node took too long."""
    return lambda asked: Reply(b"<html>", status)


def about_long(silence: Lie) -> Lie:
    """A proxy that says so about one call."""
    return lambda asked: silence(asked) if LONG.args[0].hex() in str(asked.params[0]) else honestly(asked)


LONG = Call("long", "Bounties", "commit", (b"\x13" * 32,))
SILENCES = pytest.mark.parametrize("silence", [page(413), page(504), hang_up], ids=["too long", "too slow", "reset"])


@SILENCES
def test_pitfall_26_one_call_that_gets_no_answer_at_all_holds_up_no_other(
    proxy: LyingProxy, open_sender: Open, mine: Callable[..., None], silence: Lie
) -> None:
    """A proxy's limit on the length of bodies, or on time, had every call wait for the one that is beyond it."""
    sender = open_sender()
    with proxy.lying(about_long(silence), "eth_call"):
        for call in (LONG, commit(2), deposit(2)):
            sender.submit(call)
        assert {r.key for r in go_on(sender, mine, 3)} == {"commit:2", "deposit:2"}
    assert {r.key for r in go_on(sender, mine, 3)} == {"long"}


@SILENCES
def test_pitfall_26_one_transaction_that_is_not_answered_lets_all_others_be_handed_over(
    proxy: LyingProxy, open_sender: Open, mine: Callable[..., None], silence: Lie
) -> None:
    sender = open_sender()
    calls = (LONG, commit(2), deposit(2))
    with proxy.lying(about_long(silence), "eth_sendRawTransaction"):
        for call in calls:
            sender.submit(call)
        go_on(sender, mine, 1)
        assert {sender.status_of(call.key) for call in calls} == {CallStatus.SENT}
    assert {r.key for r in go_on(sender, mine, 4)} == {call.key for call in calls}


def test_an_l1_that_is_away_is_told(proxy: LyingProxy, open_sender: Open) -> None:
    sender = open_sender()
    sender.submit(commit())
    with proxy.lying(hang_up), pytest.raises(Unreachable):
        sender.tick()
