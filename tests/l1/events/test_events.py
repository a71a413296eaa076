"""Event dataclasses and the ABI cannot drift apart, and what contracts log is what we read."""

from __future__ import annotations

from dataclasses import fields
from enum import IntEnum
from typing import Any, get_type_hints
from unittest.mock import patch

import pytest
from eth_abi.abi import encode
from eth_account.signers.local import LocalAccount
from eth_utils.abi import event_abi_to_log_topic, get_abi_input_types
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pol_oracle.l1.client import EMITTING, Client
from pol_oracle.l1.contracts.artifacts import load_artifact
from pol_oracle.l1.events.logs import EMITTERS, Log, decode, snake_case
from pol_oracle.l1.events.typed import EVENTS, Deposited, LogPosition
from pol_oracle.protocol.errors import ChainError
from pol_oracle.protocol.header import HEADER_TYPE, Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.positions import Item, Position, Tree
from tests.transactions import sent

EMPTY = (bytes(32), "0x" + "00" * 20, 3, [], *[bytes(32)] * 5, 0, 0)
AT = LogPosition(7, b"\7" * 32, 0, 1_700_000_000, b"\1" * 32)


def abi_events() -> dict[str, dict[str, Any]]:
    return {e["name"]: e for name in EMITTERS for e in load_artifact(name).abi if e["type"] == "event"}


def test_one_dataclass_per_solidity_event() -> None:
    assert sorted(cls.__name__ for cls in EVENTS) == sorted(abi_events())


@pytest.mark.parametrize("cls", EVENTS)
def test_fields_and_types_are_those_of_the_abi(cls: type) -> None:
    entry = abi_events()[cls.__name__]
    assert [f.name for f in fields(cls)] == [*(snake_case(i["name"]) for i in entry["inputs"]), "at"]
    hints = get_type_hints(cls)
    for item in entry["inputs"]:
        hint = hints[snake_case(item["name"])]
        internal = item["internalType"]
        if internal.startswith("enum "):
            assert issubclass(hint, IntEnum)
            assert hint.__name__ == internal.removeprefix("enum ")
        else:
            structs: dict[str, type] = {"struct Header": Header, "struct Position": Position}
            simple: dict[str, type] = {"bytes32": bytes, "bytes": bytes, "address": str, "bool": bool}
            assert hint is (structs | simple).get(internal, simple.get(item["type"], int))


def test_contracts_emit_nothing_that_the_interfaces_do_not_have() -> None:
    known = {event_abi_to_log_topic(entry) for entry in abi_events().values()}  # type: ignore[arg-type]
    for contract in EMITTING:
        for entry in load_artifact(contract).abi:
            if entry["type"] == "event":
                assert event_abi_to_log_topic(entry) in known, entry["name"]  # type: ignore[arg-type]


words = st.binary(min_size=32, max_size=32)
u32 = st.integers(0, 2**32 - 1)
address = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
position = st.tuples(st.integers(0, len(Item) - 1), st.integers(0, len(Tree) - 1), u32, u32, u32, words)
header = st.tuples(words, address, st.integers(0, 2**64 - 1), st.lists(u32, max_size=5), *[words] * 5, u32, u32)


def value_of(item: dict[str, Any]) -> st.SearchStrategy[Any]:
    if item["internalType"].startswith("enum "):
        return st.integers(0, 1)
    if item["type"] == "tuple":
        return position if item["internalType"] == "struct Position" else header
    simple: dict[str, st.SearchStrategy[Any]] = {
        "bytes32": words,
        "bytes": st.binary(max_size=99),
        "address": address,
        "bool": st.booleans(),
    }
    if item["type"] in simple:
        return simple[item["type"]]
    return st.integers(0, 2 ** int(item["type"].removeprefix("uint")) - 1)


@settings(max_examples=100)
@given(st.data())
def test_any_event_decodes_to_what_was_encoded(data: st.DataObject) -> None:
    entry = data.draw(st.sampled_from(list(abi_events().values())))
    values = [data.draw(value_of(item)) for item in entry["inputs"]]
    event = decode(log_of(entry, values))
    assert type(event).__name__ == entry["name"]
    for item, value in zip(entry["inputs"], values, strict=True):
        found = getattr(event, snake_case(item["name"]))
        if isinstance(found, Header):
            assert isinstance(found.indices, tuple)
            found = tuple(x.lower() if isinstance(x, str) else x for x in found.astuple())
        elif isinstance(found, Position):
            assert (type(found.item), type(found.tree)) == (Item, Tree)
            found = found.abi()
        elif isinstance(found, str):
            found = found.lower()
        assert found == value
    assert event is not None
    assert event.at == AT


def log_of(entry: dict[str, Any], values: list[Any]) -> Log:
    types = get_abi_input_types(entry)  # type: ignore[arg-type]
    parts = list(zip(entry["inputs"], types, values, strict=True))
    topics = [encode([kind], [value]) for item, kind, value in parts if item["indexed"]]
    body = [(kind, value) for item, kind, value in parts if not item["indexed"]]
    topic = event_abi_to_log_topic(entry)  # type: ignore[arg-type]
    return Log((topic, *topics), encode([k for k, _ in body], [v for _, v in body]), AT)


def test_other_logs_are_none_of_ours() -> None:
    assert decode(Log((), b"", AT)) is None
    assert decode(Log((b"\5" * 32,), b"", AT)) is None


def test_a_log_that_only_has_our_topic_is_an_error() -> None:
    topic = event_abi_to_log_topic(abi_events()["Deposited"])  # type: ignore[arg-type]
    account, role, amount = bytes(12) + bytes(range(20)), bytes(32), bytes(32)
    assert decode(Log((topic, account, role), amount, AT)) is not None
    for topics, data in (
        ((), b""),
        ((account, role), b"\1"),
        ((account,), amount),
        ((account, role, role), amount),
        ((account[1:], role), amount),
        ((b"\1" * 32, role), amount),  # more than an address
        ((account, b"\1" * 32), amount),  # more than a role
        ((account, role), amount + amount),
    ):
        log = Log((topic, *topics), data, AT)
        with pytest.raises(ChainError, match="log 0 of L1 block 7 has not the shape of its event"):
            decode(log)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """Data of a proposal, perhaps with a few words replaced, then cut or lengthened."""
    kinds = ["uint40", "uint16", HEADER_TYPE]
    data = encode(kinds, [draw(st.integers(0, 2**40 - 1)), draw(st.integers(0, 2**16 - 1)), draw(header)])
    odd = st.one_of(st.integers(0, 32), st.sampled_from([32 * n for n in range(40)]), st.integers(0, 2**256 - 1))
    for _ in range(draw(st.integers(0, 2))):
        at = 32 * draw(st.integers(0, len(data) // 32 - 1))
        data = data[:at] + draw(odd).to_bytes(32) + data[at + 32 :]
    return data[: len(data) - draw(st.sampled_from([0, 0, 0, 1, 31, 32, 64, 500]))] + draw(
        st.binary(max_size=1) | words
    )


def outcome(data: bytes) -> Any:
    entry = abi_events()["BlockProposed"]
    topic = event_abi_to_log_topic(entry)  # type: ignore[arg-type]
    try:
        return decode(Log((topic, bytes(32), bytes(32), bytes(32)), data, AT))
    except ChainError as error:
        return str(error)


def as_eth_abi_says(data: bytes) -> Any:
    with patch("pol_oracle.l1.events.logs._lay_open", side_effect=ValueError):
        return outcome(data)


@settings(max_examples=300)
@given(broken())
@example(encode(["uint40", "uint16", HEADER_TYPE], [1, 2, EMPTY]))
@example(encode(["uint40", "uint16", HEADER_TYPE], [1, 2, EMPTY])[:-1])
@example(encode(["uint40", "uint16", HEADER_TYPE], [2**40 - 1, 2**16 - 1, EMPTY]) + b"\0")
@example(b"")
def test_a_header_is_what_eth_abi_says_and_so_is_what_is_wrong_with_it(data: bytes) -> None:
    assert outcome(data) == as_eth_abi_says(data)


def test_a_header_as_solidity_lays_it_out_does_not_need_eth_abi() -> None:
    data = encode(["uint40", "uint16", HEADER_TYPE], [1, 2, (*EMPTY[:3], [5, 6], *EMPTY[4:])])
    with patch("pol_oracle.l1.events.logs.abi_decode", side_effect=AssertionError):
        assert outcome(data).header.indices == (5, 6)


def test_a_real_log(client: Client, accounts: list[LocalAccount]) -> None:
    me = accounts[3]
    receipt = sent(client, me.address, client.request_for("BondVault", "deposit", (Role.MINER,), 5))
    block = client.block(receipt.l1_block)
    assert block is not None
    logs = client.logs(receipt.l1_block, receipt.l1_block)
    assert logs is not None
    position = LogPosition(block.number, block.hash, 0, block.timestamp, receipt.tx_hash)
    assert [decode(log) for log in logs] == [Deposited(me.address, Role.MINER, 5, position)]
