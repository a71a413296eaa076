"""Headers by block id: whatever a place serves under that name, only the right one is taken."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pol_oracle.protocol.errors import CorruptState, StoreError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.store import Limits, StateStore
from pol_oracle.store.headers import HeaderStore
from pol_oracle.store.server import application
from pol_oracle.store.states import FileKind, file_name
from tests.store.hostile import misbehaving, request, serving
from tests.store.states import ROOT

TASK = keccak(b"task")
MINER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
SEGMENT, PRE, POST, TRACE, BITS = (keccak(bytes([n])) for n in range(5))
HEADER = Header(ROOT, MINER, 7, (1, 2, 3, 4), SEGMENT, PRE, POST, TRACE, BITS, 10, 11)
BLOCK, DATA = HEADER.id(TASK), HEADER.encode(TASK)
HURRIED = Limits(connect_s=1.0, idle_s=0.3, total_s=0.5, slowest=1e9)


def headers(*places: str | Path, limits: Limits | None = None) -> HeaderStore:
    return HeaderStore(StateStore(places, limits), TASK, 4)


def test_what_is_put_is_found_also_over_http(tmp_path: Path) -> None:
    headers(tmp_path).put(HEADER)
    assert [path.name for path in tmp_path.iterdir()] == [f"{BLOCK.hex()}.header"]
    assert headers(tmp_path).get(BLOCK) == HEADER
    with serving(application(tmp_path)) as url:
        assert headers(url).get(BLOCK) == HEADER
        assert headers(url).has(BLOCK)
        assert not headers(url).has(ROOT)
        assert headers(url).read_only
        assert request(url, f"/{BLOCK.hex()}.headers").split(b" ")[1] == b"404"


def test_headers_of_other_batch_sizes_have_other_sizes(tmp_path: Path) -> None:
    longer = replace(HEADER, indices=tuple(range(9)))
    store = HeaderStore(StateStore([tmp_path]), TASK, 9)
    store.put(longer)
    assert store.get(longer.id(TASK)) == longer


def test_states_and_headers_are_kept_apart(tmp_path: Path) -> None:
    headers(tmp_path).put(HEADER)
    assert StateStore([tmp_path]).roots() == set()
    assert not StateStore([tmp_path]).has(BLOCK)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        DATA[:-1],
        DATA + b"!",
        replace(HEADER, nonce=8).encode(TASK),
        bytes(len(DATA)),
        HEADER.encode(keccak(b"another task")),
    ],
    ids=["empty", "truncated", "oversized", "another", "zeros", "another task's"],
)
def test_a_wrong_header_is_passed_over_and_told(tmp_path: Path, data: bytes) -> None:
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.mkdir()
    (wrong / file_name(BLOCK, FileKind.HEADER)).write_bytes(data)
    with pytest.raises(CorruptState, match=rf"no usable copy of header {BLOCK.hex()}.header \({wrong}: .*--store"):
        headers(wrong).get(BLOCK)
    headers(right).put(HEADER)
    assert headers(wrong, right).get(BLOCK) == HEADER


def test_what_has_the_id_and_is_no_header_of_the_task_is_none(tmp_path: Path) -> None:
    """Somebody who makes a node name a block as well could have it so."""
    for data in (bytes(len(DATA)), HEADER.encode(keccak(b"another task"))):
        (tmp_path / file_name(keccak(data), FileKind.HEADER)).write_bytes(data)
        with pytest.raises(StoreError, match="is none of this task"):
            headers(tmp_path).get(keccak(data))


def ok(length: int, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n".encode() + body


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while True:
        connection.sendall(bytes(65536))


def dripping(connection: socket.socket) -> None:
    connection.sendall(ok(len(DATA), b""))
    for byte in DATA:
        time.sleep(0.05)
        connection.sendall(bytes([byte]))


@pytest.mark.parametrize(
    "behaviour",
    [
        endless,
        dripping,
        lambda connection: connection.sendall(ok(len(DATA), DATA[:100])),
        lambda connection: connection.sendall(ok(1 << 40, DATA + DATA)),
        lambda connection: time.sleep(30),
    ],
    ids=["endless", "dripping", "cut off", "says too much", "silent"],
)
def test_pitfall_03_a_hostile_store_of_headers_is_given_up(behaviour: Callable[[socket.socket], object]) -> None:
    with misbehaving(behaviour) as url, pytest.raises(StoreError, match="no usable copy of header"):
        headers(url, limits=HURRIED).get(BLOCK)
