"""An L1 endpoint by itself: blocks, accounts, transactions and fees; every answer typed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from pol_oracle.protocol.errors import ChainError, NodeTrouble, Unreachable
from pol_oracle.protocol.text import printable
from pol_oracle.protocol.types import Address

from ..records import L1Block, Receipt, SentCall, Transaction
from .answers import hash32, l1_block_of, number, receipt_of, sent_call_of, tag, transaction_of
from .rpc import Refusal, Rpc

Answered = TypeVar("Answered")
Given = ParamSpec("Given")


def legible(method: Callable[Given, Answered]) -> Callable[Given, Answered]:
    """Lets it raise ``NodeTrouble`` for an answer of L1 that it cannot read: of another form, or of nothing."""

    @wraps(method)
    def read(*args: Given.args, **kwargs: Given.kwargs) -> Answered:
        try:
            return method(*args, **kwargs)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            what = f"{method.__name__!r} ({type(error).__name__}: {printable(error)})"
            raise NodeTrouble(f"L1's answer to {what} cannot be read; check the RPC address") from error

    return read


class Node:
    """One L1 endpoint. Every method raises ``Unreachable`` when it does not answer, and ``ChainError`` when it refuses.

    Attributes:
        rpc: the endpoint.
    """

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc

    def excuse(self, error: ChainError) -> None:
        """Lets a question go unanswered if others are answered: it may be too long, or take the node too long.

        Raises:
            Unreachable: L1 is away.
        """
        if isinstance(error, Unreachable) and not isinstance(error, NodeTrouble):
            self.latest()

    @legible
    def served_chain(self) -> int:
        """Returns the EIP-155 chain id."""
        return number(self.rpc.request("eth_chainId"))

    @legible
    def latest(self) -> L1Block:
        """Returns the newest L1 block."""
        return l1_block_of(self.rpc.request("eth_getBlockByNumber", "latest", False))

    @legible
    def block(self, number: int) -> L1Block | None:
        """Returns an L1 block by its number, or None if the chain does not have it (yet, or any more)."""
        found = self.rpc.request("eth_getBlockByNumber", hex(number), False)
        block = l1_block_of(found) if found else None
        if block is not None and block.number != number:
            raise ValueError("another L1 block")
        return block

    @legible
    def balance(self, address: Address) -> int:
        """Returns an account's ETH in wei."""
        return number(self.rpc.request("eth_getBalance", address, "latest"), 256)

    @legible
    def nonce(self, address: Address, at: int | str = "latest") -> int:
        """Returns how many transactions of an account L1 holds, at a block number, "latest" or "pending"."""
        return number(self.rpc.request("eth_getTransactionCount", address, tag(at)))

    @legible
    def receipt(self, tx_hash: bytes) -> Receipt | None:
        """Returns a mined transaction's receipt, or None: it is not mined, or the node does not know that it is."""
        found = self.rpc.request("eth_getTransactionReceipt", f"0x{tx_hash.hex()}")
        if not found or not found.get("blockNumber"):
            return None
        receipt = receipt_of(found)
        if receipt.tx_hash != tx_hash:
            raise ValueError("a receipt of another transaction")
        return receipt

    @legible
    def mined_in(self, tx_hash: bytes) -> int | None:
        """Returns the number of the L1 block that holds a transaction, or None: none does, as far as the node knows."""
        found = self.rpc.request("eth_getTransactionByHash", f"0x{tx_hash.hex()}")
        return number(found["blockNumber"]) if found and found.get("blockNumber") else None

    @legible
    def sent_call(self, tx_hash: bytes) -> SentCall | None:
        """Returns what a mined transaction calls, or None: none with that hash is, as far as the node knows."""
        found = self.rpc.request("eth_getTransactionByHash", f"0x{tx_hash.hex()}")
        return sent_call_of(found) if found and found.get("blockNumber") and found.get("to") else None

    @legible
    def transactions(self, block: int) -> list[Transaction]:
        """Returns what the body of an L1 block holds.

        Raises:
            ChainError: the node does not show it.
        """
        found = self.rpc.request("eth_getBlockByNumber", hex(block), True)
        return [transaction_of(entry) for entry in found["transactions"]]

    @legible
    def holds(self, receipt: Receipt) -> bool:
        """Says whether the L1 block that a receipt names is on the chain and holds its transaction."""
        found = self.rpc.request("eth_getBlockByNumber", hex(receipt.l1_block), False)
        if not found or hash32(found["hash"]) != receipt.l1_hash:
            return False
        return any(hash32(tx_hash) == receipt.tx_hash for tx_hash in found["transactions"])

    def broadcast(self, raw: bytes) -> Refusal | None:
        """Hands L1 a signed transaction; returns why it did not take it, or None."""
        answer = self.rpc.ask("eth_sendRawTransaction", f"0x{raw.hex()}")
        return answer if isinstance(answer, Refusal) else None

    @legible
    def fee_history(self, blocks: int, percentile: int) -> tuple[int, list[int]]:
        """Returns the next L1 block's base fee and the priority fees paid at a percentile, in wei per gas."""
        found = self.rpc.request("eth_feeHistory", hex(blocks), "latest", [percentile])
        rewards = [number(row[0], 256) for row in found.get("reward") or []]
        return number(found["baseFeePerGas"][-1], 256), rewards
