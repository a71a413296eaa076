"""The node that lies: what it passes on, what it says, and that its seed decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.soak.network.lies import (
    WILD,
    dearer,
    garbage,
    hang_up,
    honestly,
    lag,
    nothing,
    refuse,
    repeat,
    stale,
    swallow,
    with_status,
)
from pol_oracle.soak.network.proxy import LyingProxy


@pytest.fixture
def proxy(anvil: str) -> Iterator[LyingProxy]:
    with LyingProxy(anvil, seed=1) as opened:
        yield opened


def post(proxy: LyingProxy, method: str, *params: Any) -> requests.Response:
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
    return requests.post(proxy.url, json=body, timeout=10)


def ask(proxy: LyingProxy, method: str, *params: Any) -> Any:
    answer = post(proxy, method, *params).json()
    assert answer["id"] == 7
    return answer.get("result", answer.get("error"))


def number(proxy: LyingProxy) -> int:
    return int(ask(proxy, "eth_blockNumber"), 16)


def test_honest_proxy_says_what_the_node_says(proxy: LyingProxy) -> None:
    assert int(ask(proxy, "eth_chainId"), 16) == 31337
    assert proxy.asked == {"eth_chainId": 1}
    assert proxy.told == {}


def test_lie_is_told_about_its_methods_alone(proxy: LyingProxy) -> None:
    proxy.lie(nothing, "eth_blockNumber")
    assert ask(proxy, "eth_blockNumber") is None
    assert ask(proxy, "eth_chainId") == "0x7a69"
    assert proxy.told == {"nothing": 1}

    proxy.honest()
    assert number(proxy) > 0


def test_lie_for_a_while_ends(proxy: LyingProxy) -> None:
    with proxy.lying(nothing):
        assert ask(proxy, "eth_chainId") is None
    assert ask(proxy, "eth_chainId") == "0x7a69"


def test_refusals_come_with_any_status(proxy: LyingProxy) -> None:
    proxy.lie(refuse(-32005, "rate limited", 429), "eth_chainId")
    answer = post(proxy, "eth_chainId")
    assert answer.status_code == 429
    assert answer.json()["error"] == {"code": -32005, "message": "rate limited"}

    proxy.honest()
    proxy.lie(with_status(400))
    assert post(proxy, "eth_noSuchThing").status_code == 400
    assert post(proxy, "eth_chainId").status_code == 200


def test_proxy_hangs_up_when_told_to_and_when_the_node_is_away(proxy: LyingProxy) -> None:
    proxy.lie(hang_up)
    with pytest.raises(requests.ConnectionError):
        post(proxy, "eth_chainId")

    with LyingProxy("http://127.0.0.1:9") as lone, pytest.raises(requests.ConnectionError):
        post(lone, "eth_chainId")


def test_garbage_is_no_answer(proxy: LyingProxy) -> None:
    proxy.lie(garbage)
    assert {post(proxy, "eth_chainId").content for _ in range(40)} >= {b"<html>", b"", b"null"}


def test_lagging_node_does_not_know_the_newest_blocks(proxy: LyingProxy) -> None:
    newest = number(proxy)
    proxy.lie(lag(2))
    assert number(proxy) == newest - 2
    assert int(ask(proxy, "eth_getBlockByNumber", "latest", False)["number"], 16) == newest - 2
    assert ask(proxy, "eth_getBlockByNumber", hex(newest), False) is None


def test_stale_answers_are_those_of_before(proxy: LyingProxy) -> None:
    before = number(proxy)
    proxy.lie(stale, "eth_blockNumber")
    ask(proxy, "anvil_mine", "0x3")
    assert number(proxy) == before


def signed(nonce: int) -> str:
    me, gwei = dev_account(9), 10**9
    fields: dict[str, Any] = {
        "to": me.address,
        "value": 1,
        "gas": 21_000,
        "maxFeePerGas": 9 * gwei,
        "maxPriorityFeePerGas": gwei,
    }
    raw = me.sign_transaction(fields | {"nonce": nonce, "chainId": 31337, "type": 2}).raw_transaction
    return "0x" + raw.hex().removeprefix("0x")


def test_transactions_are_swallowed_or_sent_twice(proxy: LyingProxy) -> None:
    me = dev_account(9).address
    nonce = int(ask(proxy, "eth_getTransactionCount", me, "latest"), 16)
    with proxy.lying(swallow, "eth_sendRawTransaction"):
        assert len(ask(proxy, "eth_sendRawTransaction", signed(nonce))) == 66
    assert int(ask(proxy, "eth_getTransactionCount", me, "latest"), 16) == nonce

    with proxy.lying(repeat, "eth_sendRawTransaction"):
        assert "code" in ask(proxy, "eth_sendRawTransaction", signed(nonce))  # the second time it is known already
    ask(proxy, "anvil_mine", "0x1")  # Anvil answers before it has mined
    assert int(ask(proxy, "eth_getTransactionCount", me, "latest"), 16) == nonce + 1
    assert proxy.sent == [signed(nonce)] * 2


def test_fees_are_rewritten(proxy: LyingProxy) -> None:
    question = ("eth_feeHistory", "0x4", "latest", [50])
    base = int(ask(proxy, *question)["baseFeePerGas"][-1], 16)
    proxy.lie(dearer(1000), "eth_feeHistory")
    assert int(ask(proxy, *question)["baseFeePerGas"][-1], 16) == 1000 * base


def lies_told(anvil: str, seed: int) -> list[str]:
    with LyingProxy(anvil, seed) as proxy:
        proxy.go_wild(0.2)
        told = []
        for _ in range(40):
            before = proxy.told.copy()
            proxy.answer("eth_getBlockByNumber", ["latest", False])
            told.append(next(iter(proxy.told - before), ""))
    return told


def test_seed_decides_which_lies_are_told(anvil: str) -> None:
    assert lies_told(anvil, 1) == lies_told(anvil, 1) != lies_told(anvil, 2)


def test_every_lie_answers_without_the_node_noticing(proxy: LyingProxy) -> None:
    """None of them may break the proxy itself, whatever it is asked."""
    address, topic = dev_account(1).address, "0x" + "00" * 32
    questions: dict[str, list[Any]] = {
        "eth_getTransactionReceipt": [topic],
        "eth_getTransactionByHash": [topic],
        "eth_getBlockByNumber": ["latest", False],
        "eth_feeHistory": ["0x4", "latest", [50]],
        "eth_getBalance": [address, "latest"],
        "eth_getTransactionCount": [address, "latest"],
        "eth_getLogs": [{"fromBlock": "0x0", "toBlock": "latest"}],
        "eth_blockNumber": [],
    }
    for lie, methods in (*WILD, (honestly, ())):
        for method in set(methods or questions) & set(questions):
            with proxy.lying(lie):
                proxy.answer(method, questions[method])
