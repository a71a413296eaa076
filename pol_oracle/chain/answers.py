"""JSON-RPC answers as our records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eth_utils.address import to_checksum_address

from pol_oracle.chain.events import LogPosition
from pol_oracle.chain.logs import Log
from pol_oracle.chain.records import L1Block, Receipt


def tag(at: int | str) -> str:
    """Returns how JSON-RPC names an L1 block."""
    return hex(at) if isinstance(at, int) else at


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def l1_block_of(found: Mapping[str, Any]) -> L1Block:
    """Reads an L1 block."""
    return L1Block(
        int(found["number"], 16),
        _bytes(found["hash"]),
        _bytes(found["parentHash"]),
        int(found["timestamp"], 16),
        int(found.get("baseFeePerGas") or "0x0", 16),
    )


def receipt_of(found: Mapping[str, Any]) -> Receipt:
    """Reads a receipt."""
    created = found.get("contractAddress")
    return Receipt(
        _bytes(found["transactionHash"]),
        int(found["blockNumber"], 16),
        _bytes(found["blockHash"]),
        int(found["status"], 16) == 1,
        int(found["gasUsed"], 16),
        int(found.get("effectiveGasPrice") or "0x0", 16),
        to_checksum_address(created) if created else None,
    )


def log_of(entry: Mapping[str, Any], timestamp: int) -> Log:
    """Reads a log of an L1 block with this timestamp."""
    position = LogPosition(
        int(entry["blockNumber"], 16),
        _bytes(entry["blockHash"]),
        int(entry["logIndex"], 16),
        timestamp,
        _bytes(entry["transactionHash"]),
    )
    return Log(tuple(_bytes(topic) for topic in entry["topics"]), _bytes(entry["data"]), position)
