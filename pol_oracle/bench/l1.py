"""A private L1 with our contracts on a made-up task: blocks on it are valid to the contracts, and cost no training."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.deploy import deploy
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.l1.records import Receipt
from pol_oracle.protocol import derivation
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY, BIT
from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights
from pol_oracle.protocol.errors import ChainError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.rules import RuleSet
from pol_oracle.protocol.task import Task

ETH = 10**18
MINER, *VERIFIERS = (1, 2, 3)
PARAMETERS = Parameters(
    challenge_window=20,
    reveal_window=5,
    answer_window=10,
    quorum=2,
    difficulty=5 * BIT,
    min_difficulty=BIT,
    max_difficulty=11 * BIT,
    target_interval=0,
    half_life=0,
    miner_bond=ETH,
    attest_bond=ETH // 4,
    demand_fee=ETH // 50,
    miner_reward=14 * ETH,
    attester_reward=ETH // 5,
)
ELIGIBLE = EligibleWeights((EligibleRange(0, 0, 800, 800, 1),))
GAS_MARGIN = 1.2
MINED_LIMIT_S = 10.0


def _root(number: int) -> bytes:
    """A made-up root without zero bytes, so that calldata costs what it costs in earnest, and always the same."""
    return bytes(1 + (number + 7 * i) % 255 for i in range(32))


TASK = Task(
    rule_set=RuleSet.HARDENED,
    batch_size=4,
    train_count=8192,
    test_count=4096,
    training_steps=256,
    mask_size=16,
    learning_rate=0x3A83126F,
    eligible_count=ELIGIBLE.count,
    eligible_hash=ELIGIBLE.hash,
    program_root=_root(1),
    train_root=_root(2),
    test_root=_root(3),
    initial_root=_root(4),
)


@dataclass
class L1:
    """A client, and the dev accounts that act on it."""

    client: Client
    task: Task
    nonces: dict[int, int] = field(default_factory=dict)

    def account(self, dev: int) -> LocalAccount:
        """Returns a dev account."""
        return dev_account(dev)

    def send(self, dev: int, contract: str, function: str, *arguments: Any, value: int = 0) -> Receipt:
        """Sends one transaction and returns its receipt; the L1 makes a block of it at once.

        Raises:
            Reverted: the contract would refuse.
            ChainError: L1 did not take it.
        """
        account = self.account(dev)
        request = self.client.request_for(contract, function, arguments, value)
        gas = self.client.estimate_gas(request, account.address)
        nonce = self.nonces[dev] if dev in self.nonces else self.client.nonce(account.address)
        fields: dict[str, Any] = {
            "to": request.target,
            "data": request.data,
            "value": request.value,
            "nonce": nonce,
            "gas": int(gas * GAS_MARGIN),
            "maxFeePerGas": 100 * 10**9,
            "maxPriorityFeePerGas": 10**9,
            "chainId": self.client.chain_id,
            "type": 2,
        }
        signed = account.sign_transaction(fields)
        refusal = self.client.broadcast(bytes(signed.raw_transaction))
        receipt = None if refusal else self._receipt(bytes(signed.hash))
        if receipt is None or not receipt.ok:
            raise ChainError(f"the bench's {contract}.{function} was not carried out: {refusal or receipt}")
        self.nonces[dev] = nonce + 1
        return receipt

    def _receipt(self, tx_hash: bytes) -> Receipt | None:
        """Anvil answers a broadcast a little before the block is there."""
        deadline = time.monotonic() + MINED_LIMIT_S
        while (receipt := self.client.receipt(tx_hash)) is None and time.monotonic() < deadline:
            time.sleep(0.001)
        return receipt

    def wait(self, seconds: int) -> None:
        """Lets L1's clock run ahead."""
        self.client.rpc.request("evm_mine", hex(self.client.latest().timestamp + seconds))

    def bond(self, amount: int = 1000 * ETH) -> None:
        """Gives the miner and the verifiers their bonds."""
        self.send(MINER, "BondVault", "deposit", int(Role.MINER), value=amount)
        for verifier in VERIFIERS:
            self.send(verifier, "BondVault", "deposit", int(Role.VERIFIER), value=amount)

    def header(self, parent: bytes, number: int, dev: int = MINER) -> Header:
        """Returns a header that the registry accepts: indices as derived, accuracy just rising."""
        miner = self.account(dev).address
        seed = derivation.seed(self.task.rules, self.task.id, parent, miner, number)
        indices = derivation.batch(seed, self.task.batch_size, self.task.train_count)
        segment, pre, post, trace, evaluation = (_root(10 * kind + number) for kind in range(1, 6))
        return Header(parent, miner, number, indices, segment, pre, post, trace, evaluation, 1000, 1001)

    def propose(self, header: Header, dev: int = MINER) -> tuple[bytes, Receipt]:
        """Proposes a block; returns its id."""
        receipt = self.send(dev, "PoLRegistry", "propose", header.astuple(), ANY_DIFFICULTY)
        return header.id(self.task.id), receipt


@contextmanager
def running(scratch: Path, task: Task = TASK, parameters: Parameters = PARAMETERS) -> Iterator[L1]:
    """Starts an L1 that makes a block per transaction, deploys to it, and stops it again."""
    net = Devnet.start(scratch, 0, None, bound=True)
    try:
        client = Client.connect(net.rpc)
        # a second between blocks whatever the machine's speed: windows then last the same number of blocks everywhere
        client.rpc.request("anvil_setBlockTimestampInterval", 1)
        deployment = deploy(client, dev_account(0), task, parameters)
        yield L1(Client.connect(net.rpc, deployment), task)
    finally:
        net.stop()
