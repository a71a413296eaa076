"""Deploying the contracts.

:func:`plan` says what to deploy, in which order and with which arguments; :func:`deploy` does it with signed
transactions, ``scripts/deploy.py`` with ape's accounts. The contracts know each other from birth, because the addresses
of contracts to come follow from the deployer's address and nonce: no owner, no setter, no second phase.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import rlp
import structlog
from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from eth_utils.abi import get_abi_input_types
from eth_utils.address import to_checksum_address

from pol_oracle.protocol.errors import ChainError, InputError, NotMined, Unreachable
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.task import Task
from pol_oracle.protocol.text import printable
from pol_oracle.protocol.types import Address

from .client import Client
from .contracts.abi import decode_revert
from .contracts.artifacts import load_artifact
from .contracts.deployment import ORDER, Deployment, steering
from .deploying import DeployJournal, Tries
from .node.answers import number
from .node.node import legible
from .node.pace import patience_s
from .node.rpc import Refusal
from .records import Receipt
from .sending.fees import ETH, GWEI, CallKind, FeePolicy, market_of, offer

GAS_MARGIN = 1.1
JOURNALS = "deploying"  # folder beside the deployment file
IN_PLACE = ("already", "known", "nonce too low", "replacement")  # a node says so: it has an earlier one, or as good
POLL_S = 0.1

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Creation:
    """One contract to deploy: its name, its constructor's arguments, and the address that it will have."""

    name: str
    arguments: tuple[Any, ...]
    address: Address


def create_address(deployer: str, nonce: int) -> str:
    """Returns the checksummed address of the contract that ``deployer`` creates with transaction ``nonce``."""
    return str(to_checksum_address(keccak(rlp.encode([bytes.fromhex(deployer[2:]), nonce]))[12:]))


def plan(deployer: str, nonce: int, task: Task, parameters: Parameters) -> tuple[Creation, ...]:
    """Returns what to deploy, in order, one transaction each and none in between.

    Args:
        deployer: address that sends the transactions.
        nonce: of its next transaction.
        task: what the network trains.
        parameters: fixed for ever.
    """
    at = {name: create_address(deployer, nonce + i) for i, name in enumerate(ORDER)}
    token, vault, bounties, court, explanations, demands, reveals, registry = (at[name] for name in ORDER)
    arguments: dict[str, tuple[Any, ...]] = {
        "LearnToken": (registry,),
        "BondVault": (registry, demands, explanations),
        "Bounties": (registry, court, demands, explanations),
        "Court": (registry, bounties, reveals, explanations),
        "Explanations": (registry, vault, bounties, demands, court),
        "Demands": (registry, vault, bounties, explanations, reveals),
        "Reveals": (registry, demands, explanations),
        "PoLRegistry": (astuple(task), parameters.astuple(), vault, token, bounties, demands, explanations),
    }
    return tuple(Creation(name, arguments[name], at[name]) for name in ORDER)


def deploy(
    client: Client,
    account: LocalAccount,
    task: Task,
    parameters: Parameters,
    *,
    spec: Mapping[str, Any] | None = None,
    store: Sequence[str] = (),
    confirmations: int = 1,
    fees: FeePolicy | None = None,
    file: Path | None = None,
) -> Deployment:
    """Deploys the contracts, checks what came out, and writes the deployment file.

    Args:
        client: connected to L1; needs no deployment.
        account: pays, and has no rights afterwards.
        task: what the network trains.
        parameters: fixed for ever.
        spec: the task file as JSON, for the deployment file.
        store: URLs, for the deployment file.
        confirmations: for the deployment file.
        fees: how much to offer.
        file: to write. What is sent is written down beside it, so that the same deployment, asked for again before
            the file is there, goes on with it. None: no file, and nothing is remembered.

    Raises:
        InputError: the account cannot pay, L1 is dearer than the cap, or the account was used meanwhile; or a file
            cannot be written.
        StoreError: what is to be sent cannot be written down.
        Reverted: a constructor refused.
        NotMined: L1 did not include a transaction in time.
        WrongChain: what L1 holds afterwards is not what was deployed.
    """
    if (text := steering([dict(spec or {}), list(store)])) is not None:
        raise InputError(
            f"{printable(text)!r} has control characters in it, which no deployment file may hold: rename it"
        )
    journal = None
    if file is not None:
        journal = DeployJournal.of(file.parent / JOURNALS, client, account.address, task, parameters)
    creations, first = _create(client, account, task, parameters, fees or FeePolicy(), journal)
    addresses = {creation.name: creation.address for creation in creations}
    deployment = describe(
        client.chain_id,
        client.rpc.place,  # the file is for everybody: without keys
        addresses,
        task,
        parameters,
        deployed_at=first,
        spec=spec,
        store=store,
        confirmations=confirmations,
    )
    verify(client, deployment)
    if file is not None and journal is not None:
        deployment.save(file)
        journal.forget()
    return deployment


def _create(
    client: Client,
    account: LocalAccount,
    task: Task,
    parameters: Parameters,
    fees: FeePolicy,
    journal: DeployJournal | None,
) -> tuple[tuple[Creation, ...], int]:
    """Sends all transactions at once, waits for all; returns the contracts and the L1 block of the first."""
    tries = journal.read() if journal is not None else None
    tries = tries or Tries.anew(client.nonce(account.address, "pending"), len(ORDER))
    creations = plan(account.address, tries.nonce, task, parameters)
    _send(client, account, tries, _left(client, account.address, tries, creations, journal), fees, journal)
    limit_s = patience_s(client, 1)
    try:
        receipts = [_mined(client, tried, limit_s) for tried in tries.hashes]
    except NotMined as error:
        again = "; it stays under way, and the same command goes on with it" if journal is not None else ""
        raise NotMined(f"{error}{again}") from error
    for creation, receipt in zip(creations, receipts, strict=True):
        if not receipt.ok or receipt.contract_address != creation.address:
            if journal is not None:
                journal.forget()
            raise ChainError(f"L1 did not create {creation.name} (transaction 0x{receipt.tx_hash.hex()}); deploy again")
        log.info("deployed", contract=creation.name, address=creation.address, gas=receipt.gas_used)
    return creations, min(receipt.l1_block for receipt in receipts)


def _left(
    client: Client, sender: Address, tries: Tries, creations: Sequence[Creation], journal: DeployJournal | None
) -> dict[int, Creation]:
    """What is not mined yet, by its place.

    Raises:
        InputError: something else has a nonce of it.
    """
    left = {at: c for at, c in enumerate(creations) if _receipt(client, tries.hashes[at]) is None}
    if tries.begun and journal is not None:
        log.warning("going on with what an earlier command sent", mined=len(creations) - len(left), of=len(creations))
        if left and client.nonce(sender) > tries.nonce + min(left):
            raise InputError(
                f"L1 does not show the contract {creations[min(left)].name} that an earlier command deployed, and "
                f"{sender} has sent more since: try again later, or move {journal.path} away to begin anew"
            )
    return left


def _send(
    client: Client,
    account: LocalAccount,
    tries: Tries,
    creations: Mapping[int, Creation],
    fees: FeePolicy,
    journal: DeployJournal | None,
) -> None:
    """Signs transactions for these contracts, writes them down, and only then broadcasts them."""
    joined = tries.begun
    transactions = _priced(client, account.address, tries.nonce, creations, fees) if creations else []
    signed = [account.sign_transaction(transaction) for transaction in transactions]
    for at, transaction in zip(creations, signed, strict=True):
        tries.add(at, bytes(transaction.hash))
    if journal is not None:
        journal.write(tries)
    for transaction in signed:
        _broadcast(client, account.address, bytes(transaction.raw_transaction), joined)


def describe(
    chain_id: int,
    rpc: str,
    addresses: Mapping[str, str],
    task: Task,
    parameters: Parameters,
    *,
    deployed_at: int,
    spec: Mapping[str, Any] | None = None,
    store: Sequence[str] = (),
    confirmations: int = 1,
) -> Deployment:
    """Returns the deployment whose contracts are at ``addresses``; its genesis id is computed, not asked for."""
    return Deployment(
        chain_id=chain_id,
        rpc=rpc,
        deployed_at=deployed_at,
        addresses=dict(addresses),
        spec=dict(spec or {}),
        task=task,
        parameters=parameters,
        genesis_id="0x" + task.genesis_id(chain_id, addresses["PoLRegistry"]).hex(),
        store=list(store),
        confirmations=confirmations,
    )


def verify(client: Client, deployment: Deployment) -> None:
    """Checks that L1 holds this deployment: task, parameters, genesis, and each contract's word for the others.

    Raises:
        WrongChain: it does not.
    """
    there = Client(client.rpc, client.chain_id, deployment)
    there.verify()
    there.expect("PoLRegistry", "taskId", deployment.task.id, "the task's id")
    there.expect("PoLRegistry", "parameters", deployment.parameters.astuple(), "the set of parameters")
    there.verify_links("LearnToken", "BondVault", "Court", "Explanations", "Demands", "Reveals")


def _priced(
    client: Client, sender: Address, nonce: int, creations: Mapping[int, Creation], policy: FeePolicy
) -> list[dict[str, Any]]:
    """Returns unsigned transactions, after checking that the sender can pay for all of them."""
    codes = ["0x" + _creation_code(creation).hex() for creation in creations.values()]
    limits = [int(_estimated(client, {"from": sender, "data": code}) * GAS_MARGIN) for code in codes]
    market = market_of(client, policy, client.latest())
    fees = offer(market, policy, CallKind.DEPLOY, max(limits))
    if fees is None:
        raise InputError(
            f"L1 asks {market.base / GWEI:.4g} gwei for gas, so a contract would cost more than the cap on fees allows "
            f"({policy.caps[CallKind.DEPLOY] / ETH:g} ETH each): wait, or raise POL_FEE_CAPS"
        )
    common = {
        "maxFeePerGas": fees.max_fee,
        "maxPriorityFeePerGas": fees.priority,
        "chainId": client.chain_id,
        "value": 0,
        "type": 2,
    }
    transactions = [
        {"nonce": nonce + at, "data": code, "gas": gas} | common
        for at, code, gas in zip(creations, codes, limits, strict=True)
    ]
    cost = sum(limits) * fees.max_fee
    balance = client.balance(sender)
    if balance < cost:
        raise InputError(
            f"{sender} has {balance / 1e18:.6g} ETH and deploying takes up to {cost / 1e18:.6g} ETH; fund it"
        )
    return transactions


def _creation_code(creation: Creation) -> bytes:
    """Bytecode and ABI-encoded arguments."""
    artifact = load_artifact(creation.name)
    constructor = next(entry for entry in artifact.abi if entry["type"] == "constructor")
    arguments = encode(get_abi_input_types(constructor), creation.arguments)  # type: ignore[arg-type]
    return bytes.fromhex(artifact.bytecode[2:]) + arguments


@legible
def _estimated(client: Client, transaction: Mapping[str, Any]) -> int:
    answer = client.rpc.ask("eth_estimateGas", dict(transaction), "latest")
    if not isinstance(answer, Refusal):
        return number(answer)
    if answer.reverted:
        raise decode_revert(answer.data, answer.message)
    if not client.balance(transaction["from"]):
        raise InputError(f"{transaction['from']} has no ETH to deploy with; fund it")
    raise ChainError(f"L1 at {client.rpc.place} refused to estimate a deployment: {answer.message}")


def _broadcast(client: Client, sender: Address, raw: bytes, joined: bool) -> None:
    """Hands a transaction to L1; it may have an earlier one in its place if such a one was sent (``joined``)."""
    refusal = client.broadcast(raw)
    if refusal is None or (joined and any(word in refusal.message.lower() for word in IN_PLACE)):
        return
    if "nonce" in refusal.message.lower() or "replacement" in refusal.message.lower():
        raise InputError(f"{sender} sent other transactions meanwhile ({refusal.message}); deploy again")
    raise ChainError(f"L1 at {client.rpc.place} refused a deployment: {refusal.message}")


def _receipt(client: Client, tried: Sequence[bytes]) -> Receipt | None:
    """Of whichever transaction was mined."""
    return next((receipt for tx_hash in tried if (receipt := client.receipt(tx_hash))), None)


def _mined(client: Client, tried: Sequence[bytes], limit_s: float) -> Receipt:
    """Waits for a receipt, also while L1 is away: what was sent is paid for."""
    limit = time.monotonic() + limit_s
    while time.monotonic() < limit:
        with suppress(Unreachable):
            if receipt := _receipt(client, tried):
                return receipt
        time.sleep(POLL_S)
    raise NotMined(f"transaction 0x{tried[-1].hex()} was not mined within {limit_s:g} s; is L1 making blocks?")
