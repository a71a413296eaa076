"""Raw logs of L1, and the events behind them.

The decoders are built from the compiled ABI, and only if every event has its dataclass with the same fields: the two
cannot drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cache, lru_cache, partial
from typing import Any, get_type_hints

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import event_abi_to_log_topic, get_abi_input_types
from eth_utils.address import to_checksum_address

from pol_oracle.protocol.errors import ChainError
from pol_oracle.protocol.header import HEADER_TYPE, Header
from pol_oracle.protocol.positions import Position
from pol_oracle.protocol.types import Address

from ..contracts.artifacts import load_artifact
from .typed import EVENTS, Event, LogPosition

_HEADER_WORDS = 11  # before the indices; one of them says where these begin, which is right behind
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
    """One input of an event: name, ABI type, and how its word, or what eth_abi read, becomes the dataclass's value."""

    name: str
    type: str
    read: Callable[[bytes], Any] | None
    convert: Callable[[Any], Any]


@dataclass(frozen=True)
class _Shape:
    """An event: its dataclass, its fields in topics and in the data, and whether each of the latter is one word."""

    cls: type[Event]
    topics: tuple[_Field, ...]
    data: tuple[_Field, ...]
    plain: bool


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
                decoders[event_abi_to_log_topic(entry)] = partial(_decode, _shape(cls, entry))  # type: ignore[arg-type]
    return decoders


def _shape(cls: type[Event], entry: Mapping[str, Any]) -> _Shape:
    """The inputs of an event, checked against the fields of its dataclass."""
    names = [snake_case(item["name"]) for item in entry["inputs"]]
    ours = [field.name for field in fields(cls)]
    if ours != [*names, "at"]:
        raise ChainError(f"event {cls.__name__} has the fields {names} in Solidity, but {ours} in l1/events/typed.py")
    hints = get_type_hints(cls)
    types = get_abi_input_types(entry)  # type: ignore[arg-type]
    split: dict[bool, list[_Field]] = {True: [], False: []}
    for name, type_, item in zip(names, types, entry["inputs"], strict=True):
        convert = _converter(hints[name])
        split[item["indexed"]].append(_Field(name, type_, _reader(type_, convert), convert))
    return _Shape(cls, tuple(split[True]), tuple(split[False]), all(field.read for field in split[False]))


def _reader(type_: str, convert: Callable[[Any], Any]) -> Callable[[bytes], Any] | None:
    """How a type of one word is read: nearly all are, and eth_abi takes many times as long. None: it is not of one."""
    if type_.startswith("uint") and type_[4:].isdigit():
        number = partial(_number, int(type_[4:]))
        return number if convert is _same else partial(_converted, convert, number)
    others: dict[str, Callable[[bytes], Any]] = {"bytes32": _word, "address": _address, "bool": _bool}
    return others.get(type_)


def _converter(hint: type) -> Callable[[Any], Any]:
    if hint is Header:
        return _header
    if hint is Position:
        return Position.of
    if hint is str:
        return _checksum
    return hint if issubclass(hint, IntEnum) else _same


def _decode(shape: _Shape, log: Log) -> Event:
    values = _read(shape.topics, log.topics[1:])
    values |= _read(shape.data, _words(log.data)) if shape.plain else _unpack(shape.data, log.data)
    return shape.cls(**values, at=log.at)


def _unpack(shape: Sequence[_Field], data: bytes) -> dict[str, Any]:
    """Reads data that is more than words; a header that lies as Solidity lays it out at once, as most data is headers.

    Of all else eth_abi says what it is, or what is wrong with it.
    """
    *plain, last = shape
    if last.type == HEADER_TYPE:
        with suppress(ValueError):
            words, count = _words(data), len(plain)
            _expect(words[count : count + 1], 32 * (count + 1))
            return _read(plain, words[:count]) | {last.name: _lay_open(words[count + 1 :])}
    body = abi_decode([field.type for field in shape], data)
    return {field.name: field.convert(value) for field, value in zip(shape, body, strict=True)}


def _lay_open(words: Sequence[bytes]) -> Header:
    """The header that these words are, if they are one and nothing else."""
    start, indices = words[3:4], words[_HEADER_WORDS + 1 :]
    _expect(start, 32 * _HEADER_WORDS)
    _expect(words[_HEADER_WORDS : _HEADER_WORDS + 1], len(indices))
    parent, miner, nonce, _, segment, pre, post, trace, evaluation, before, after = words[:_HEADER_WORDS]
    return Header(
        parent,
        _address(miner),
        _number(64, nonce),
        tuple([_number(32, index) for index in indices]),
        segment,
        pre,
        post,
        trace,
        evaluation,
        _number(32, before),
        _number(32, after),
    )


def _expect(words: Sequence[bytes], number: int) -> None:
    if [_number(256, word) for word in words] != [number]:
        raise ValueError(f"a word with {number} was expected")


def _words(data: bytes) -> list[bytes]:
    return [data[i : i + 32] for i in range(0, len(data), 32)]


def _read(shape: Sequence[_Field], words: Sequence[bytes]) -> dict[str, Any]:
    return {f.name: f.read(word) for f, word in zip(shape, words, strict=True) if f.read}


def _word(word: bytes) -> bytes:
    if len(word) != 32:
        raise ValueError(f"a word of 32 bytes was expected, not {len(word)}")
    return word


def _number(bits: int, word: bytes) -> int:
    value = int.from_bytes(_word(word))
    if value >> bits:
        raise ValueError(f"a number of {bits} bits at most was expected")
    return value


def _converted(convert: Callable[[Any], Any], read: Callable[[bytes], Any], word: bytes) -> Any:
    return convert(read(word))


def _bool(word: bytes) -> bool:
    return bool(_number(1, word))


@lru_cache(maxsize=4096)
def _address(word: bytes) -> str:
    return _checksum(f"0x{_number(160, word):040x}")


def _same(value: Any) -> Any:
    return value


@lru_cache(maxsize=4096)
def _checksum(address: Address) -> str:
    return str(to_checksum_address(address))


def _header(values: tuple[Any, ...]) -> Header:
    parent, miner, nonce, indices, *rest = values
    return Header(parent, _checksum(miner), nonce, tuple(indices), *rest)
