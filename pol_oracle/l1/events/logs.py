"""Raw logs of L1, and the events behind them.

The decoders are built from the compiled ABI, and only if every event has its dataclass with the same fields: the two
cannot drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache, lru_cache, partial
from typing import Any, get_type_hints

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import event_abi_to_log_topic, get_abi_input_types
from eth_utils.address import to_checksum_address

from pol_oracle.protocol.errors import ChainError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Position
from pol_oracle.protocol.types import Address

from ..contracts.artifacts import load_artifact
from .typed import EVENTS, Event, LogPosition

EMITTERS = ("IPoLRegistry", "IBondVault", "IBounties", "IDemands", "IReveals", "IExplanations")


@dataclass(frozen=True)
class Log:
    """A raw log, as the monitor read it: 32-byte topics, ABI-encoded data."""

    topics: tuple[bytes, ...]
    data: bytes
    at: LogPosition


def decode(log: Log) -> Event | None:
    """Returns the event behind a log, or None if it is none of ours.

    Raises:
        ChainError: the log has the topic of one of our events, but not its shape.
    """
    decoder = _decoders().get(log.topics[0]) if log.topics else None
    if decoder is None:
        return None
    try:
        return decoder(log)
    except (DecodingError, ValueError, IndexError) as error:
        where = f"log {log.at.log_index} of L1 block {log.at.l1_block}"
        raise ChainError(f"{where} has not the shape of its event ({error}); check the deployment file") from error


def topics() -> list[bytes]:
    """Returns topic 0 of every event that :func:`decode` knows."""
    return list(_decoders())


def snake_case(name: str) -> str:
    """Returns an ABI name as Python spells it: blockId -> block_id."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


@dataclass(frozen=True)
class _Field:
    """One input of an event: where it stands, its ABI type, how it becomes the dataclass's value."""

    name: str
    type: str
    indexed: bool
    convert: Callable[[Any], Any]


@cache
def _decoders() -> Mapping[bytes, Callable[[Log], Event]]:
    """Topic 0 -> decoder, for every event of the interfaces.

    Raises:
        ChainError: an event has no dataclass, or not the same fields.
    """
    classes = {cls.__name__: cls for cls in EVENTS}
    decoders: dict[bytes, Callable[[Log], Event]] = {}
    for contract in EMITTERS:
        for entry in load_artifact(contract).abi:
            if entry["type"] == "event":
                cls = classes.get(entry["name"])
                if cls is None:
                    raise ChainError(f"{contract} has an event {entry['name']} that l1/events/typed.py lacks")
                decoders[event_abi_to_log_topic(entry)] = partial(_decode, cls, _fields(cls, entry))  # type: ignore[arg-type]
    return decoders


def _fields(cls: type[Event], entry: Mapping[str, Any]) -> tuple[_Field, ...]:
    """The inputs of an event in ABI order, checked against the fields of its dataclass."""
    names = [snake_case(item["name"]) for item in entry["inputs"]]
    ours = [field.name for field in fields(cls)]
    if ours != [*names, "at"]:
        raise ChainError(f"event {cls.__name__} has the fields {names} in Solidity, but {ours} in l1/events/typed.py")
    hints = get_type_hints(cls)
    types = get_abi_input_types(entry)  # type: ignore[arg-type]
    return tuple(
        _Field(name, type_, item["indexed"], _converter(hints[name]))
        for name, type_, item in zip(names, types, entry["inputs"], strict=True)
    )


def _converter(hint: type) -> Callable[[Any], Any]:
    if hint is Header:
        return _header
    if hint is Position:
        return Position.of
    if hint is str:
        return _checksum
    return hint if issubclass(hint, IntEnum) else _same


def _decode(cls: type[Event], shape: Sequence[_Field], log: Log) -> Event:
    plain = [field for field in shape if not field.indexed]
    body = dict(zip((f.name for f in plain), abi_decode([f.type for f in plain], log.data), strict=True))
    words = iter(log.topics[1:])
    values: dict[str, Any] = {}
    for field in shape:
        if field.indexed:
            word = next(words, None)
            if word is None:
                raise ValueError("a topic is missing")
            values[field.name] = field.convert(abi_decode([field.type], word)[0])
        else:
            values[field.name] = field.convert(body[field.name])
    return cls(**values, at=log.at)


def _same(value: Any) -> Any:
    return value


@lru_cache(maxsize=4096)
def _checksum(address: Address) -> str:
    return str(to_checksum_address(address))


def _header(values: tuple[Any, ...]) -> Header:
    parent, miner, nonce, indices, *rest = values
    return Header(parent, _checksum(miner), nonce, tuple(indices), *rest)
