"""How far a call is."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from pol_oracle.protocol.errors import NotMined
from pol_oracle.soak.network.proxy import LyingProxy
from tests.l1.sending.acts import Open, deposit


def test_a_wait_says_how_far_a_call_is(proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]) -> None:
    sender = open_sender(confirmations=6)
    sender.submit(deposit(1))
    sender.tick()
    mine(3)
    said: list[str] = []
    with pytest.raises(NotMined, match=r"it is mined, waiting for confirmations \(4 to come\); it stays under way"):
        sender.wait("deposit:1", timeout_s=0.05, poll_s=0.01, tell=said.append)
    assert said == ["mined, waiting for confirmations (4 to come)"]
    mine(4)
    assert sender.wait("deposit:1").ok


def test_blocks_and_stages_are_told_in_order(open_sender: Open, mine: Callable[..., None]) -> None:
    sender = open_sender(confirmations=2)
    stages = [sender.stage("deposit:1")] if sender.submit(deposit(1)) else []
    for _ in range(4):
        sender.tick()
        stages.append(sender.stage("deposit:1"))
        mine(1)
    told = [new for old, new in pairwise(["", *stages]) if new != old]
    assert told[:4] == [
        "not sent yet",
        "sent, and not mined yet",
        "mined, waiting for confirmations (2 to come)",
        "mined, waiting for confirmations (1 to come)",
    ]
