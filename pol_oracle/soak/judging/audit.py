"""What accounts paid, from the bodies and receipts of L1's blocks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from eth_utils.abi import function_abi_to_4byte_selector
from eth_utils.address import to_checksum_address

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.abi import CONTRACTS
from pol_oracle.l1.contracts.artifacts import load_artifact
from pol_oracle.protocol.errors import ChainError


@dataclass(frozen=True)
class Payment:
    """One transaction of an account.

    Attributes:
        account: who sent it; checksummed.
        call: "contract.function" of what it calls, or "" if that is none of ours.
        value: wei that it carries.
        fee: wei that it was charged for gas.
        gas: its limit.
        price: the most that it offered, in wei per gas.
        ok: it did not revert.
        l1_block: that holds it.
        tx_hash: 0x-prefixed hex.
    """

    account: str
    call: str
    value: int
    fee: int
    gas: int
    price: int
    ok: bool
    l1_block: int
    tx_hash: str


class Audit:
    """Reads L1 block by block.

    Args:
        client: asks L1 itself.
        first: the first L1 block of interest.
        accounts: whose transactions are of interest.

    Attributes:
        payments: found so far, in the order of L1.
    """

    def __init__(self, client: Client, first: int, accounts: Collection[str]) -> None:
        self._client = client
        self._next = first
        self._accounts = frozenset(accounts)
        self.payments: list[Payment] = []

    def read(self, upto: int) -> None:
        """Reads on up to an L1 block which L1 must not drop any more.

        Raises:
            ChainError: L1 is away, or in the middle of a reorg; what was read is kept.
        """
        while self._next <= upto:
            block = self._ask("eth_getBlockByNumber", hex(self._next), True)
            found = [
                self._payment(t) for t in block["transactions"] if to_checksum_address(t["from"]) in self._accounts
            ]
            self.payments += found
            self._next += 1

    def _ask(self, method: str, *parameters: Any) -> Any:
        answer = self._client.rpc.request(method, *parameters)
        if answer is None:
            raise ChainError(f"L1 does not show what {method} {parameters[0]} asks for")
        return answer

    def _payment(self, sent: dict[str, Any]) -> Payment:
        receipt = self._ask("eth_getTransactionReceipt", sent["hash"])
        return Payment(
            account=str(to_checksum_address(sent["from"])),
            call=self._call(sent),
            value=int(sent["value"], 16),
            fee=int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16),
            gas=int(sent["gas"], 16),
            price=int(sent.get("maxFeePerGas") or sent["gasPrice"], 16),
            ok=int(receipt["status"], 16) == 1,
            l1_block=int(sent["blockNumber"], 16),
            tx_hash=str(sent["hash"]),
        )

    def _call(self, sent: dict[str, Any]) -> str:
        names = {self._client.address_of(name): name for name in CONTRACTS}
        contract = names.get(str(to_checksum_address(sent["to"])) if sent["to"] else "", "")
        function = _functions(contract).get(sent["input"][:10], "") if contract else ""
        return f"{contract}.{function}" if function else ""


@cache
def _functions(contract: str) -> dict[str, str]:
    """Selector in hex -> name."""
    entries = [entry for entry in load_artifact(contract).abi if entry["type"] == "function"]
    return {"0x" + function_abi_to_4byte_selector(entry).hex(): entry["name"] for entry in entries}  # type: ignore[arg-type]
