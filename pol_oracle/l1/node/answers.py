"""JSON-RPC answers as our records. What is not of the form that it should have raises ``ValueError``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eth_utils.address import to_checksum_address

from pol_oracle.protocol.types import Seconds

from ..events.logs import Log
from ..events.typed import LogPosition
from ..records import L1Block, Receipt, SentCall, Transaction


def tag(at: int | str) -> str:
    """Returns how JSON-RPC names an L1 block."""
    return hex(at) if isinstance(at, int) else at


def number(text: str, bits: int = 63) -> int:
    """Reads a number that is not negative, and fits what it will be kept in."""
    value = int(text, 16)
    if not 0 <= value < 1 << bits:
        raise ValueError(f"a number of {bits} bits at most was expected")
    return value


def hash32(text: str) -> bytes:
    """Reads 32 bytes."""
    value = plain_bytes(text)
    if len(value) != 32:
        raise ValueError(f"32 bytes were expected, not {len(value)}")
    return value


def plain_bytes(text: str) -> bytes:
    """Reads bytes."""
    if not text.startswith("0x"):
        raise ValueError("bytes begin with 0x")
    return bytes.fromhex(text[2:])


def l1_block_of(found: Mapping[str, Any]) -> L1Block:
    """Reads an L1 block."""
    return L1Block(
        number(found["number"]),
        hash32(found["hash"]),
        hash32(found["parentHash"]),
        number(found["timestamp"]),
        number(found.get("baseFeePerGas") or "0x0", 256),
    )


def receipt_of(found: Mapping[str, Any]) -> Receipt:
    """Reads a receipt. One of a transaction that reverted holds no logs, or it contradicts itself."""
    created = found.get("contractAddress")
    ok = number(found["status"]) == 1
    if not ok and found.get("logs"):
        raise ValueError("a transaction that reverted has logs")
    return Receipt(
        hash32(found["transactionHash"]),
        number(found["blockNumber"]),
        hash32(found["blockHash"]),
        ok,
        number(found["gasUsed"]),
        number(found.get("effectiveGasPrice") or "0x0", 256),
        to_checksum_address(created) if created else None,
    )


def transaction_of(found: Mapping[str, Any]) -> Transaction:
    """Reads what a block body says of a transaction."""
    return Transaction(hash32(found["hash"]), to_checksum_address(found["from"]), number(found["nonce"], 64))


def sent_call_of(found: Mapping[str, Any]) -> SentCall:
    """Reads what a transaction calls."""
    sender, target = to_checksum_address(found["from"]), to_checksum_address(found["to"])
    return SentCall(sender, target, plain_bytes(found["input"]))


def log_of(entry: Mapping[str, Any], timestamp: Seconds) -> Log:
    """Reads a log of an L1 block with this timestamp."""
    if entry.get("removed"):
        raise ValueError("a log that L1 took back")
    position = LogPosition(
        number(entry["blockNumber"]),
        hash32(entry["blockHash"]),
        number(entry["logIndex"]),
        timestamp,
        hash32(entry["transactionHash"]),
    )
    return Log(tuple(plain_bytes(topic) for topic in entry["topics"]), plain_bytes(entry["data"]), position)


def in_order(logs: Iterable[Log]) -> list[Log]:
    """Returns logs as they stand on L1, each once: nodes that merge what several of them say tell some twice.

    Raises:
        ValueError: two are in one place, or of two chains.
    """
    found = sorted(set(logs), key=lambda log: (log.at.l1_block, log.at.log_index))
    places = {(log.at.l1_block, log.at.log_index) for log in found}
    hashes = {(log.at.l1_block, log.at.l1_hash) for log in found}
    if len(places) < len(found) or len({number for number, _ in hashes}) < len(hashes):
        raise ValueError("logs that contradict each other")
    return found
