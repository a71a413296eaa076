"""The compiled ABIs at work: calls encoded, answers decoded, refusals made readable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from functools import cache
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.abi import (
    function_abi_to_4byte_selector,
    function_signature_to_4byte_selector,
    get_abi_input_types,
    get_abi_output_types,
)
from eth_utils.address import to_checksum_address

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import InputError, Reverted
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Item, Tree
from pol_oracle.protocol.text import printable

from .artifacts import load_artifact

CONTRACTS = ("PoLRegistry", "BondVault", "Bounties", "Court", "Demands", "Reveals", "Explanations", "LearnToken")
ENUMS = {
    "enum Role": Role,
    "enum Status": Status,
    "enum EvidenceKind": EvidenceKind,
    "enum Item": Item,
    "enum Tree": Tree,
}
ETHER_ARGUMENTS = frozenset({"free", "needed", "amount"})
ERROR_STRING = function_signature_to_4byte_selector("Error(string)")
PANIC = function_signature_to_4byte_selector("Panic(uint256)")
PANICS = {
    0x01: "an assertion failed",
    0x11: "an arithmetic overflow",
    0x12: "a division by zero",
    0x21: "a number outside of an enum",
    0x32: "an array index out of bounds",
    0x41: "out of memory",
}


def encode_call(contract: str, function: str, arguments: Sequence[Any]) -> bytes:
    """Returns the calldata of a function of one of our contracts.

    Raises:
        InputError: there is no such function, or the arguments do not fit it.
    """
    entry = _function(contract, function)
    try:
        return function_abi_to_4byte_selector(entry) + encode(get_abi_input_types(entry), arguments)  # type: ignore[arg-type]
    except (EncodingError, TypeError, ValueError) as error:
        raise InputError(f"the arguments of {contract}.{function} do not fit it: {error}") from error


def decode_call(contract: str, data: bytes) -> tuple[str, dict[str, Any]]:
    """Returns which function of one of our contracts some calldata calls, and its arguments by name; structs as tuples.

    Raises:
        InputError: it is no call of this contract.
    """
    for entry in load_artifact(contract).abi:
        if entry["type"] == "function" and function_abi_to_4byte_selector(entry) == data[:4]:  # type: ignore[arg-type]
            try:
                values = decode(get_abi_input_types(entry), data[4:])  # type: ignore[arg-type]
            except DecodingError as error:
                raise InputError(f"this calldata is no call of {contract}.{entry['name']}: {error}") from error
            pairs = zip(entry["inputs"], values, strict=True)
            return str(entry["name"]), {item["name"]: _tidy(item, value) for item, value in pairs}
    raise InputError(f"this calldata calls nothing of {contract}")


def decode_answer(contract: str, function: str, data: bytes) -> Any:
    """Returns what a function answered: one value, or a tuple of several; addresses checksummed, structs as tuples.

    Raises:
        DecodingError: the data is not an answer of this function.
    """
    entry = _function(contract, function)
    values = decode(get_abi_output_types(entry), data)  # type: ignore[arg-type]
    tidy = tuple(_tidy(item, value) for item, value in zip(entry["outputs"], values, strict=True))
    return tidy[0] if len(tidy) == 1 else tidy


def decode_revert(data: bytes, reason: str = "") -> Reverted:
    """Returns the error behind revert data, with a readable sentence.

    Args:
        data: what the contract returned.
        reason: the node's own words, used where the data says nothing.
    """
    selector, body = data[:4], data[4:]
    try:
        if selector == ERROR_STRING:
            (said,) = decode(["string"], body)
            text = printable(said)
            return Reverted(f"the contract refused: {text}", "Error", {"message": text})
        if selector == PANIC:
            (code,) = decode(["uint256"], body)
            what = PANICS.get(code, "an internal error")
            return Reverted(f"the contract panicked: {what} (code {code:#x})", "Panic", {"code": code})
        if entry := _errors().get(selector):
            return _custom(entry, body)
    except DecodingError:
        return Reverted(f"the contract refused with data that does not decode: {printable(f'0x{data.hex()}')}")
    if data:
        return Reverted(f"the contract refused with an error that is none of ours: {printable(f'0x{data.hex()}')}")
    return Reverted(f"the contract refused without a reason{f' ({printable(reason)})' if reason else ''}")


def _custom(entry: Mapping[str, Any], body: bytes) -> Reverted:
    values = decode(get_abi_input_types(entry), body)  # type: ignore[arg-type]
    arguments: dict[str, object] = {
        item["name"]: _enum(item, _tidy(item, value)) for item, value in zip(entry["inputs"], values, strict=True)
    }
    name = str(entry["name"])
    details = ", ".join(f"{_words(key)} {_show(key, value)}" for key, value in arguments.items())
    sentence = f"the contract refused: {_words(name)}" + (f" ({details})" if details else "")
    hint = hints().get(name)
    return Reverted(f"{sentence}; {hint}" if hint else sentence, name, arguments)


def hints() -> dict[str, str]:
    """Returns what a user can do about an error, where that does not go without saying."""
    return {
        "InsufficientBond": f"deposit more with {pol('bond deposit')}",
        "NothingToCollect": f"unbond first with {pol('bond withdraw')}",
        "NotMiner": "sign with the key of the miner that the header names",
        "WindowOpen": "try again after the challenge window",
        "TooLateToDemand": "late demands only go further down from a fresh answer",
        "NotYetShown": "demand that first",
        "WalkUnderWay": "wait for its answer",
        "Contested": "name a better witness, or wait until the rival is judged",
        "BlockHeld": "try again after that time",
        "QuorumNotReached": "wait for more verifiers to attest",
        "DemandsOpen": "try again when its demands are answered",
        "DeadlineAhead": "try again after the deadline",
        "BountyUnsettled": "try again after the reveal window",
        "RevealTooEarly": "reveal in a later L1 block",
        "NotCommitted": "commit first",
        "HarderThanSearched": "search again: L1 reorganised and moved its parent",
        "HarderThanChecked": "check the block again: L1 reorganised and moved its parent",
    }


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()


def _show(name: str, value: object) -> str:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, IntEnum):
        return value.name.lower()
    if name in ETHER_ARGUMENTS and isinstance(value, int):
        return f"{value / 10**18:.6g} ETH"
    return printable(value)


def _enum(item: Mapping[str, Any], value: Any) -> Any:
    cls = ENUMS.get(item.get("internalType", ""))
    return cls(value) if cls is not None else value


def _tidy(item: Mapping[str, Any], value: Any) -> Any:
    """Checksums addresses and turns lists into tuples, down through arrays and structs."""
    if item["type"].endswith("]"):
        inner = {**item, "type": item["type"][: item["type"].rindex("[")]}
        return tuple(_tidy(inner, part) for part in value)
    if item["type"] == "tuple":
        return tuple(_tidy(part, field) for part, field in zip(item["components"], value, strict=True))
    return to_checksum_address(value) if item["type"] == "address" else value


@cache
def _function(contract: str, function: str) -> dict[str, Any]:
    for entry in load_artifact(contract).abi:
        if entry["type"] == "function" and entry["name"] == function:
            return entry
    raise InputError(f"{contract} has no function {function!r}")


@cache
def _errors() -> dict[bytes, dict[str, Any]]:
    """Selector -> custom error, of all our contracts: an error of one bubbles up through the others."""
    entries = (entry for contract in CONTRACTS for entry in load_artifact(contract).abi if entry["type"] == "error")
    return {function_abi_to_4byte_selector(entry): entry for entry in entries}  # type: ignore[arg-type]
