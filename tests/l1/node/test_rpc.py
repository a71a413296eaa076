"""JSON-RPC as nodes and proxies speak it: refusals by code and not by status or wording, and texts that are safe."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from eth_account.signers.local import LocalAccount
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.node import rpc as rpc_module
from pol_oracle.l1.node.rpc import Refusal, Rpc
from pol_oracle.protocol.errors import ChainError, InputError, NodeTrouble, Reverted, Unreachable
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.text import LONGEST, place_of, printable, steers, without_secrets
from pol_oracle.soak.network.lies import HOSTILE, TROUBLES, Reply, garbage, lag, refuse, with_status
from pol_oracle.soak.network.proxy import LyingProxy

SENTENCE = "the contract refused: insufficient bond"


@pytest.fixture
def behind(proxy: LyingProxy, deployment: Deployment) -> Client:
    """A client behind the proxy, which is honest so far."""
    return Client.connect(proxy.url, deployment)


def unbond(client: Client, account: LocalAccount) -> bytes:
    return client.simulate(client.request_for("BondVault", "unbond", (Role.VERIFIER, 10**18)), account.address)


@pytest.mark.parametrize("status", [200, 400, 403, 422, 500, 503])
def test_a_revert_is_a_revert_whatever_the_http_status(
    proxy: LyingProxy, behind: Client, accounts: list[LocalAccount], status: int
) -> None:
    proxy.lie(with_status(status))
    with pytest.raises(Reverted, match=SENTENCE):
        unbond(behind, accounts[1])
    assert proxy.told["other_status"] == 1, "and not asked for again"


@pytest.mark.parametrize("code", [3, -32000, -32015, -32603])
def test_a_reverts_own_words_do_not_make_it_trouble_of_the_node(
    proxy: LyingProxy, behind: Client, accounts: list[LocalAccount], code: int
) -> None:
    words = "08c379a0" + f"{32:064x}" + f"{10:064x}" + b"rate limit".hex().ljust(64, "0")
    proxy.lie(refuse(code, "execution reverted: rate limit", data=f"0x{words}"), "eth_call")
    with pytest.raises(Reverted, match="the contract refused: rate limit"):
        unbond(behind, accounts[1])


@pytest.mark.parametrize("trouble", TROUBLES, ids=range(len(TROUBLES)))
def test_trouble_of_a_node_is_no_revert_and_passes(
    proxy: LyingProxy, behind: Client, accounts: list[LocalAccount], trouble: Any
) -> None:
    with proxy.lying(trouble, "eth_call"), pytest.raises(Unreachable):
        unbond(behind, accounts[1])
    with pytest.raises(Reverted, match=SENTENCE):
        unbond(behind, accounts[1])


def test_trouble_for_a_moment_is_not_noticed(proxy: LyingProxy, behind: Client) -> None:
    left = [refuse(-32603, "Internal error"), refuse(-32005, "request rate limited", 429)]
    proxy.lie(lambda asked: left.pop()(asked) if left else Reply(asked.pass_on(asked.method, asked.params)))
    assert behind.latest().number > 0
    assert not left


def test_a_range_limit_is_no_rate_limit(proxy: LyingProxy, behind: Client) -> None:
    too_long = refuse(-32005, "query returned more than 10000 results. Try with this block range [0x1, 0x2].", 400)
    proxy.lie(too_long, "eth_getLogs")
    with pytest.raises(ChainError, match="refused eth_getLogs") as caught:
        behind.logs(1, 2)
    assert not isinstance(caught.value, Unreachable)


@pytest.mark.parametrize("method", ["eth_call", "eth_getBlockByNumber", "eth_feeHistory", "eth_getBalance"])
def test_whatever_bytes_come_are_no_answer_and_no_crash(proxy: LyingProxy, behind: Client, method: str) -> None:
    proxy.lie(garbage, method)
    for _ in range(12):
        with pytest.raises(ChainError):
            behind.head()
            behind.latest()
            behind.fee_history(4, 50)
            behind.balance("0x" + "11" * 20)


@pytest.mark.parametrize("told", ["-0x1", hex(2**63), "0x" + "f" * 100_000])
def test_numbers_beyond_all_bounds_cannot_be_read(proxy: LyingProxy, behind: Client, told: str) -> None:
    proxy.lie(lambda asked: Reply({"result": told}), "eth_getTransactionCount")
    with pytest.raises(NodeTrouble, match="cannot be read"):
        behind.nonce("0x" + "11" * 20)


def test_an_answer_that_would_fill_the_memory_is_cut_off(
    proxy: LyingProxy, behind: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_module, "LONGEST_ANSWER", 2**20)
    proxy.lie(lambda asked: Reply(b'{"result": "' + b"0" * 2**22 + b'"}'))
    with pytest.raises(Unreachable, match="its answer is longer than 1 MiB"):
        behind.latest()


@pytest.mark.parametrize("part", [b"[]", b'{"":0}', b"0", b"[" * 9 + b"]" * 9])
def test_nor_is_one_decoded_that_would_do_so_then(
    proxy: LyingProxy, behind: Client, monkeypatch: pytest.MonkeyPatch, part: bytes
) -> None:
    """An empty list is two bytes, and takes sixty."""
    monkeypatch.setattr(rpc_module, "MOST_PARTS", 2**16)
    parts = b",".join([part] * (2**17 // len(part) + 2**16))
    proxy.lie(lambda asked: Reply(b'{"result": [' + parts + b"]}"))
    with pytest.raises(Unreachable, match=r"its answer has more than 65,536 parts"):
        behind.latest()


def test_a_node_that_lags_has_neither_blocks_nor_receipts(proxy: LyingProxy, behind: Client) -> None:
    newest = behind.latest().number
    proxy.lie(lag(2))
    assert behind.latest().number == newest - 2
    assert behind.block(newest) is None


# --- control characters ---


def test_pitfall_26_texts_of_a_node_never_steer_a_terminal_or_a_log(proxy: LyingProxy, behind: Client) -> None:
    proxy.lie(refuse(-32000, HOSTILE))
    with structlog.testing.capture_logs() as logs, pytest.raises(ChainError) as caught:
        behind.rpc.request("eth_call")
    refusal = behind.rpc.ask("eth_call")
    assert "all is well" in str(caught.value)
    assert str(caught.value).isprintable()
    assert refusal.message.isprintable()
    assert not logs


def test_pitfall_26_nor_do_those_of_a_contract(proxy: LyingProxy, behind: Client, accounts: list[LocalAccount]) -> None:
    text = HOSTILE.encode()
    words = "08c379a0" + f"{32:064x}" + f"{len(text):064x}" + text.hex().ljust(128, "0")
    for data in (f"0x{words}", "0x", "0x" + "ab" * 100_000):
        proxy.honest()
        proxy.lie(refuse(3, f"execution reverted {HOSTILE}", data=data), "eth_call")
        with pytest.raises(Reverted) as caught:
            unbond(behind, accounts[1])
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 2 * LONGEST


@given(st.text(max_size=2000))
def test_a_text_is_one_line_that_can_be_printed(text: str) -> None:
    shown = printable(text)
    assert not any(map(steers, shown)) and shown == " ".join(shown.splitlines())
    assert len(shown) <= LONGEST + 1
    assert printable(shown) == shown or len(text) > LONGEST


@pytest.mark.parametrize("control", ["\x1b[31m", "\n", "\r", "\x07", "\x9b", "\u202e", "\u2066", "\u2028", "\x00"])
def test_no_control_character_is_left(control: str) -> None:
    assert printable(f"a{control}b") in ("a b", "a [31mb")


def test_spaces_in_the_name_of_a_folder_are_kept() -> None:
    assert printable("pol --home 'a  b'  \n  next") == "pol --home 'a  b' next"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host:9", "http://host:9"),
        ("http://host:9/", "http://host:9"),
        ("http://host:9/v3;t0ken", "http://host:9/…"),
        ("http://host:9/v3)t0ken,t0ken't0ken", "http://host:9/…"),
        ("http://host?t0ken", "http://host/…"),
        ("http://alice:won'der\"t0ken@host:9", "http://host:9/…"),
        ("http://host/v3/@t0ken", "http:///…"),
        ("http://host;t0ken", "http:///…"),
    ],
)
def test_of_a_url_its_origin_is_shown_whatever_stands_in_it(url: str, shown: str) -> None:
    assert place_of(url) == shown
    assert without_secrets(f"no answer from '{url}', twice") == f"no answer from '{shown}', twice"


def test_a_refusal_is_judged_by_its_code_before_its_words() -> None:
    assert Refusal(3, "too many requests").reverted
    assert Refusal(-32603, "execution reverted").troubled
    assert Refusal(-32000, "execution reverted").reverted
    assert Refusal(-32000, "insufficient funds for transfer").reverted is False
    assert not Refusal(-32602, "invalid params").troubled


@pytest.mark.parametrize("status", [200, 503])
def test_pruned_history_is_not_asked_for_again(proxy: LyingProxy, status: int) -> None:
    """ "Unavailable" is in its words, and it was taken for trouble that passes."""
    proxy.lie(refuse(4444, "pruned history unavailable", status))
    with pytest.raises(ChainError, match="refused eth_getLogs: pruned history unavailable") as refused:
        Rpc(proxy.url).request("eth_getLogs", {})
    assert not isinstance(refused.value, Unreachable)
    assert proxy.asked["eth_getLogs"] == 1


def test_an_endpoint_that_sends_elsewhere_is_not_followed(proxy: LyingProxy) -> None:
    proxy.lie(lambda asked: Reply(b"moved", 301))
    with pytest.raises(Unreachable, match="answers HTTP 301; check the RPC address"):
        Client.connect(proxy.url)


def test_nothing_on_this_machine_is_behind_a_proxy(anvil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert Rpc(anvil).request("eth_chainId") == "0x7a69"


SECRETS = ("wonderland", "t0ken-of-mine", "alice")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://alice:wonderland@host:1/t0ken-of-mine", "'ws://host:1/…'"),
        ("http://alice:wonderland@[::1:1/t0ken-of-mine", "'http://[::1:1/…'"),
        ("http://alice:wonderland@host:port/t0ken-of-mine", "'http://host:port/…'"),
        ("http://alice:wonder/wonderland@host/t0ken-of-mine", "'http:///…'"),
        ("http://alice:wonderland@/?key=t0ken-of-mine", "'http:///…'"),
        ("https:alice:wonderland@host?key=t0ken-of-mine", "'host/…'"),
        ("alice:wonderland@host/v3/t0ken-of-mine", "'host/…'"),
        ("host/v3/t0ken-of-mine", "'host/…'"),
        ("localhost:8545", "'localhost:8545'"),
        ("http://127.0.0.1:0", "'http://127.0.0.1:0'"),
        ("", "''"),
    ],
)
def test_what_is_no_rpc_address_is_refused_without_its_secrets(url: str, shown: str) -> None:
    with pytest.raises(InputError) as refused:
        Rpc(url)
    assert str(refused.value).startswith(f"{shown} is no RPC address")
    assert not any(secret in str(refused.value) for secret in SECRETS)


def test_a_node_that_repeats_the_key_it_was_asked_with_is_not_quoted(proxy: LyingProxy) -> None:
    url = f"{proxy.url.replace('//', '//alice:wonderland@')}/v3/t0ken-of-mine"
    for code in (-32000, -32603):
        words = "project t0ken-of-mine has no access with wonderland"
        with proxy.lying(refuse(code, words)), pytest.raises(ChainError) as refused:
            Client.connect(url)
        assert "project … has no access with …" in str(refused.value)
        assert proxy.url in str(refused.value)


def test_an_endpoint_is_named_without_its_secrets() -> None:
    assert Rpc("https://alice:wonderland@[::1]:8545/t0ken?key=t0ken").place == "https://[::1]:8545"
