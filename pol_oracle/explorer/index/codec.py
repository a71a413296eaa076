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

Convert = Callable[[Any], Any]
_ENCODER = json.JSONEncoder(separators=(",", ":"))  # `json.dumps` makes one each time
_CLASSES = {cls.__name__: cls for cls in EVENTS}


def dumps(event: Event) -> str:
    """Returns an event's fields without its place on L1."""
    return _ENCODER.encode([write(getattr(event, name)) for name, (write, _) in _shape(type(event).__name__).items()])


def loads(kind: str, body: str, at: LogPosition) -> Event:
    """Returns the event that :func:`dumps` wrote.

    Args:
        kind: name of its class.
        body: what was written.
        at: its place on L1.
    """
    shape = _shape(kind)
    values = {name: read(value) for (name, (_, read)), value in zip(shape.items(), json.loads(body), strict=True)}
    return _CLASSES[kind](**values, at=at)


@cache
def _shape(kind: str) -> dict[str, tuple[Convert, Convert]]:
    """Per field of an event how it is written, and how it is read."""
    hints = get_type_hints(_CLASSES[kind])
    return {field.name: _ways(hints[field.name]) for field in fields(_CLASSES[kind]) if field.name != "at"}


def _ways(hint: type) -> tuple[Convert, Convert]:
    if hint is bytes:
        return bytes.hex, bytes.fromhex
    if hint is Header:
        return Header.dumps, Header.loads
    if hint is Position:
        return _position_out, _position_in
    return (int, hint) if issubclass(hint, IntEnum) else (_same, _same)


def _position_out(position: Position) -> list[Any]:
    *numbers, explanation = position.abi()
    return [*numbers, explanation.hex()]


def _position_in(values: list[Any]) -> Position:
    return Position.of((*values[:-1], bytes.fromhex(values[-1])))


def _same(value: Any) -> Any:
    return value
