"""Fees stay within the market, within what a call is worth, and within what the operator says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.l1.client import Client, Request
from pol_oracle.l1.contracts.abi import CONTRACTS
from pol_oracle.l1.contracts.artifacts import load_artifact
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.deploy import deploy
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.fees import CAPS, ETH, GWEI, CallKind, FeePolicy, Market, kind_of, market_of, offer
from pol_oracle.l1.sending.journal import CallStatus
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.task import Task
from pol_oracle.soak.network.lies import Question, Reply, dearer, refuse, result, swallow
from pol_oracle.soak.network.proxy import LyingProxy
from tests.transactions import sent

HISTORY = {"baseFeePerGas": [hex(GWEI)] * 9, "gasUsedRatio": [0.0] * 8, "oldestBlock": "0x1"}


@pytest.fixture
def behind(proxy: LyingProxy, deployment: Deployment) -> Client:
    return Client.connect(proxy.url, deployment)


@pytest.fixture
def sender(behind: Client, accounts: list[LocalAccount], tmp_path: Path) -> Iterator[Sender]:
    with Sender(behind, accounts[5], tmp_path / "a.sqlite", confirmations=0, patience=1) as opened:
        yield opened


@pytest.fixture
def dear(behind: Client, mine: Callable[..., None]) -> Iterator[None]:
    """L1 asks much more than usual, and makes blocks on command only."""
    behind.rpc.request("evm_setAutomine", False)
    behind.rpc.request("anvil_setNextBlockBaseFeePerGas", hex(30 * GWEI))
    mine(1)
    yield
    behind.rpc.request("anvil_setNextBlockBaseFeePerGas", hex(GWEI // 2))
    mine(1)


def rewards(*gwei: int) -> Callable[[Question], Reply]:
    return lambda asked: result(HISTORY | {"reward": [[hex(fee * GWEI)] for fee in gwei]})


def commit(number: int) -> Call:
    return Call(f"commit:{number}", "Bounties", "commit", (number.to_bytes(32, "big"),))


def dearest(sender: Sender, key: str) -> tuple[int, int]:
    """The highest fee of a call, and the most that it can cost, in wei."""
    attempts = sender._journal.attempts(key)
    return max(a.max_fee for a in attempts), max(a.max_fee * a.gas for a in attempts)


# --- the market ---


def test_empty_blocks_count_as_blocks_of_the_least_price(proxy: LyingProxy, behind: Client) -> None:
    """Else one stranger's tip in an idle chain is what everybody pays."""
    proxy.lie(rewards(0, 0, 0, 900, 0, 0, 0, 0), "eth_feeHistory")
    assert market_of(behind, FeePolicy(), behind.latest()) == Market(GWEI, GWEI)


def test_strangers_who_fill_most_blocks_with_tips_are_no_market(proxy: LyingProxy, behind: Client) -> None:
    proxy.lie(rewards(*[900] * 8), "eth_feeHistory")
    assert market_of(behind, FeePolicy(), behind.latest()) == Market(GWEI, 4 * GWEI)


def test_what_proposers_are_paid_in_the_mean_is_offered(proxy: LyingProxy, behind: Client) -> None:
    proxy.lie(rewards(2, 2, 2, 2, 2, 3, 3, 3), "eth_feeHistory")
    assert market_of(behind, FeePolicy(), behind.latest()) == Market(GWEI, 2 * GWEI)


def test_one_strangers_tip_does_not_make_deploying_dear(
    proxy: LyingProxy, accounts: list[LocalAccount], task: Task, parameters: Parameters
) -> None:
    """One transfer with a tip of 900 gwei made it cost 15.3 ETH instead of 0.03."""
    client = Client.connect(proxy.url)
    stranger, tip = accounts[8].address, {"maxPriorityFeePerGas": hex(900 * GWEI), "maxFeePerGas": hex(1000 * GWEI)}
    sent(client, stranger, Request(stranger, b""), **tip)
    before = client.balance(accounts[7].address)
    deploy(client, accounts[7], task, parameters)
    assert before - client.balance(accounts[7].address) < ETH // 10


def test_deploying_waits_for_a_price_within_its_cap(
    proxy: LyingProxy, accounts: list[LocalAccount], task: Task, parameters: Parameters
) -> None:
    client = Client.connect(proxy.url)
    dear = HISTORY | {"baseFeePerGas": [hex(1000 * GWEI)] * 9, "reward": [[hex(GWEI)]] * 8}
    proxy.lie(lambda asked: result(dear), "eth_feeHistory")
    with pytest.raises(InputError, match=r"L1 asks 1000 gwei for gas.*cap on fees"):
        deploy(client, accounts[7], task, parameters)
    assert proxy.sent == []


def test_an_account_without_money_is_told_so_whatever_the_nodes_wording(
    proxy: LyingProxy, task: Task, parameters: Parameters, accounts: list[LocalAccount]
) -> None:
    client = Client.connect(proxy.url)
    client.rpc.request("anvil_setBalance", accounts[7].address, "0x0")
    proxy.lie(refuse(-32003, "sender balance too low, have 0"), "eth_estimateGas")
    with pytest.raises(InputError, match="fund it"):
        deploy(client, accounts[7], task, parameters)


@pytest.mark.parametrize(
    "change",
    [
        {"baseFeePerGas": ["0x0"] * 9},
        {"baseFeePerGas": [hex(GWEI)]},
        {"baseFeePerGas": []},
        {"baseFeePerGas": ["0x0", "much"]},
        {"baseFeePerGas": None},
        {"reward": [[]] * 8},
        {"reward": [["much"]]},
        {"reward": [None]},
        {"reward": {"0": ["0x1"]}},
        {"reward": 7},
        {"reward": [[hex(2**300)]]},
        {"reward": [["0x1"]] * 3},
    ],
    ids=str,
)
def test_pitfall_26_a_history_of_fees_that_is_nonsense_keeps_no_call_from_l1(
    proxy: LyingProxy, dear: None, sender: Sender, mine: Callable[..., None], change: dict[str, object]
) -> None:
    """One that told a base fee of nothing had every offer stay below L1's, for good."""
    proxy.lie(lambda asked: result(HISTORY | {"reward": [[hex(GWEI)]] * 8} | change), "eth_feeHistory")
    sender.submit(commit(1))
    for _ in range(4):
        sender.tick()
        mine(1)
    assert sender.status_of("commit:1") is CallStatus.DONE
    assert dearest(sender, "commit:1")[1] <= CAPS[CallKind.PROVE]


# --- caps ---


def test_pitfall_26_no_history_of_fees_makes_an_agent_pay_more_than_the_cap(
    proxy: LyingProxy, behind: Client, sender: Sender, mine: Callable[..., None]
) -> None:
    """A lying eth_feeHistory made an agent pay 1,000 gwei of priority fee."""
    behind.rpc.request("evm_setAutomine", False)
    for factor in (3, 10, 30, 100, 1000, 10**6, 10**9):
        proxy.honest()
        proxy.lie(dearer(factor), "eth_feeHistory")
        sender.submit(commit(factor))
        sender.tick()
        mine(1)
    for factor in (3, 10, 30, 100, 1000, 10**6, 10**9):
        for attempt in sender._journal.attempts(f"commit:{factor}"):
            assert attempt.max_fee <= FeePolicy().max_price
            assert attempt.max_fee * attempt.gas <= CAPS[CallKind.PROVE]
    assert sender.gas_price <= FeePolicy().max_price


def test_what_l1_makes_too_dear_waits_and_does_not_hold_up_the_rest(
    behind: Client, accounts: list[LocalAccount], tmp_path: Path
) -> None:
    policy = FeePolicy.of("bond=0.000001")
    with Sender(behind, accounts[5], tmp_path / "a.sqlite", confirmations=0, fees=policy) as sender:
        sender.submit(Call("deposit", "BondVault", "deposit", (Role.MINER,), 7))
        sender.submit(commit(1))
        assert sender.wait("commit:1", poll_s=0.01).ok
        assert sender.stage("deposit") == "not sent yet (L1 is dearer than the cap on fees)"


def test_a_transaction_that_is_never_relayed_climbs_to_a_few_times_the_market(
    proxy: LyingProxy, behind: Client, sender: Sender, mine: Callable[..., None]
) -> None:
    """It climbed to 406 gwei where L1 asked for one."""
    behind.rpc.request("evm_setAutomine", False)
    proxy.lie(swallow, "eth_sendRawTransaction")
    sender.submit(commit(1))
    for _ in range(80):
        sender.tick()
        mine(1)
    max_fee, _ = dearest(sender, "commit:1")
    market = market_of(behind, FeePolicy(), behind.latest())
    assert len(sender._journal.attempts("commit:1")) > 2, "it was raised"
    assert max_fee <= 4 * max(market.offer.max_fee, 3 * GWEI)


@pytest.mark.parametrize("wording", ["insufficient funds", "sender balance too low", "InsufficientBalance", "UPFRONT"])
def test_fees_do_not_rise_for_an_account_that_cannot_pay_whatever_the_nodes_wording(
    proxy: LyingProxy, behind: Client, sender: Sender, mine: Callable[..., None], wording: str
) -> None:
    """Other clients' wordings caused eleven raises."""
    behind.rpc.request("evm_setAutomine", False)
    proxy.lie(refuse(-32000, wording), "eth_sendRawTransaction")
    sender.submit(commit(1))
    sender.tick()
    behind.rpc.request("anvil_setBalance", sender.address, "0x0")
    for _ in range(30):
        mine(1)
        sender.tick()
    assert len(sender._journal.attempts("commit:1")) == 1


wei = st.integers(0, 10**15)


@given(st.builds(Market, wei, st.integers(GWEI, 10**15)), st.sampled_from(CallKind), st.integers(21_000, 2**24))
def test_no_offer_exceeds_the_cap_of_its_kind(market: Market, kind: CallKind, gas: int) -> None:
    policy = FeePolicy()
    fees = offer(market, policy, kind, gas)
    if fees is not None:
        assert fees.max_fee * gas <= policy.caps[kind]
        assert policy.least_priority <= fees.priority <= fees.max_fee <= policy.max_price
        assert fees.max_fee >= market.base + policy.least_priority


def test_caps_keep_what_a_call_costs_below_what_it_protects(parameters: Parameters) -> None:
    """At the bonds that all task files have: 1 ETH a block, a quarter of it an attestation."""
    bond, attestation = ETH, ETH // 4
    assert CAPS[CallKind.PROVE] < bond * 3 // 16, "the least share of a prover"
    assert CAPS[CallKind.ANSWER] < attestation
    assert CAPS[CallKind.PROPOSE] < bond // 2
    assert CAPS[CallKind.ATTEST] < attestation
    assert max(CAPS[CallKind.HOUSEKEEPING], CAPS[CallKind.FILLER]) < CAPS[CallKind.PROVE] // 10


def test_what_an_answer_may_cost_follows_from_what_it_protects() -> None:
    """At 59 gwei nobody answered for a miner's bond of 1 ETH: the cap was that of an attester."""
    policy, largest = FeePolicy(max_price=10**6 * GWEI), 2_700_000
    market = Market(100 * GWEI, GWEI)
    assert offer(market, policy.answering_for(ETH // 4), CallKind.ANSWER, largest) is None
    assert offer(market, policy.answering_for(ETH), CallKind.ANSWER, largest) is not None
    assert policy.answering_for(ETH).caps[CallKind.ANSWER] < ETH
    assert policy.answering_for(ETH // 4).caps == CAPS
    asked = FeePolicy.of("answer=0.1")
    assert asked.answering_for(ETH).caps[CallKind.ANSWER] == ETH // 10


def test_the_operator_sets_caps() -> None:
    policy = FeePolicy.of("prove=0.4, housekeeping=0.002", 35)
    assert policy.caps[CallKind.PROVE] == ETH * 2 // 5
    assert policy.caps[CallKind.HOUSEKEEPING] == ETH // 500
    assert policy.caps[CallKind.ANSWER] == CAPS[CallKind.ANSWER]
    assert policy.max_price == 35 * GWEI
    assert FeePolicy.of() == FeePolicy()
    for wrong in ("proof=1", "prove", "prove=much", "prove=nan", "prove=-1"):
        with pytest.raises(InputError, match="is no cap on fees: give KIND=ETH"):
            FeePolicy.of(wrong)
    with pytest.raises(InputError, match="must be more than 0"):
        FeePolicy.of(max_gwei=0)


def test_every_function_has_a_kind_and_what_has_a_clock_is_urgent() -> None:
    kinds = {
        f"{contract}.{entry['name']}": kind_of(f"{contract}.{entry['name']}")
        for contract in CONTRACTS
        for entry in load_artifact(contract).abi
        if entry["type"] == "function" and entry["stateMutability"] in ("nonpayable", "payable")
    }
    urgent = {name for name, kind in kinds.items() if kind.urgent}
    clocks = ("prove", "commit", "reveal", "demand", "explain", "expire", "contest", "reopen")
    assert {name for name in kinds if name.split(".")[1].startswith(clocks)} <= urgent | {"BondVault.demand"}
    assert kinds["PoLRegistry.finalize"] is kinds["Demands.settle"] is CallKind.HOUSEKEEPING
    assert kinds["PoLRegistry.propose"] is CallKind.PROPOSE
    assert kinds["BondVault.deposit"] is CallKind.BOND
