"""Events as one line of JSON, and back: the index keeps them whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

from pol_oracle.l1.events.typed import EVENTS, Event
from pol_oracle.l1.records import LogPosition
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Position

Convert = Callable[[Any], Any]
_quoted = json.JSONEncoder().encode  # of a text far quicker than `json.dumps`, and than a list's
_CLASSES = {cls.__name__: cls for cls in EVENTS}


def dumps(event: Event) -> str:
    """Returns an event's fields without its place on L1."""
    values = [write(getattr(event, name)) for name, (write, _) in _shape(type(event).__name__).items()]
    return f"[{','.join(values)}]"


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
    """Per field of an event how it is written as JSON, and how it is read from what that says."""
    hints = get_type_hints(_CLASSES[kind])
    return {field.name: _ways(hints[field.name]) for field in fields(_CLASSES[kind]) if field.name != "at"}


def _ways(hint: type) -> tuple[Convert, Convert]:
    if hint is bytes:
        return _bytes_out, bytes.fromhex
    if hint is Header:
        return _header_out, Header.loads
    if hint is Position:
        return _position_out, _position_in
    if hint is str:
        return _quoted, str
    return (json.dumps, bool) if hint is bool else (_number_out, hint)


def _bytes_out(value: bytes) -> str:
    return f'"{value.hex()}"'


def _number_out(number: int) -> str:
    return str(int(number))  # of an enum its number


def _header_out(header: Header) -> str:
    return _quoted(header.dumps())


def _position_out(position: Position) -> str:
    *numbers, explanation = position.abi()
    return json.dumps([*numbers, explanation.hex()], separators=(",", ":"))


def _position_in(values: list[Any]) -> Position:
    return Position.of((*values[:-1], bytes.fromhex(values[-1])))
