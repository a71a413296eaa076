"""Events as one line of JSON, and back: the index keeps them whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from enum import IntEnum
from functools import cache
from typing import Any, get_type_hints

from pol_oracle.l1.events.typed import EVENTS, Event
from pol_oracle.l1.records import LogPosition
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Position

_CLASSES = {cls.__name__: cls for cls in EVENTS}


def dumps(event: Event) -> str:
    """Returns an event's fields without its place on L1."""
    return json.dumps([_plain(getattr(event, name)) for name in _readers(type(event).__name__)], separators=(",", ":"))


def loads(kind: str, body: str, at: LogPosition) -> Event:
    """Returns the event that :func:`dumps` wrote.

    Args:
        kind: name of its class.
        body: what was written.
        at: its place on L1.
    """
    readers = _readers(kind)
    values = {name: read(value) for (name, read), value in zip(readers.items(), json.loads(body), strict=True)}
    return _CLASSES[kind](**values, at=at)


@cache
def _readers(kind: str) -> dict[str, Callable[[Any], Any]]:
    hints = get_type_hints(_CLASSES[kind])
    return {field.name: _reader(hints[field.name]) for field in fields(_CLASSES[kind]) if field.name != "at"}


def _reader(hint: type) -> Callable[[Any], Any]:
    if hint is bytes:
        return bytes.fromhex
    if hint is Header:
        return Header.loads
    if hint is Position:
        return lambda value: Position.of((*value[:-1], bytes.fromhex(value[-1])))
    return hint if issubclass(hint, IntEnum) else _same


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Header):
        return value.dumps()
    if isinstance(value, Position):
        *numbers, explanation = value.abi()
        return [*numbers, explanation.hex()]
    return int(value) if isinstance(value, IntEnum) else value


def _same(value: Any) -> Any:
    return value
