"""What comes in over HTTP from strangers does no harm, and nothing secret is told of where it came from."""

from __future__ import annotations

import gzip
import resource
import socket
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pol_oracle.protocol.errors import CorruptState, InputError, StoreError
from pol_oracle.store import Limits, StateStore
from tests.store.hostile import connections_to, hearing, misbehaving
from tests.store.states import DATA, ROOT

HURRIED = Limits(connect_s=1.0, idle_s=0.3, total_s=0.5, slowest=1e9)


def answer(body: bytes, length: int | None = None, extra: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n{extra}\r\n".encode() + body


def test_pitfall_03_an_endless_answer_is_cut_off() -> None:
    sent = [0]

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            sent[0] += connection.send(bytes(65536))

    with misbehaving(endless) as url, pytest.raises(CorruptState, match="more than"):
        StateStore([url]).get(ROOT, 100_000)
    assert sent[0] < 64 << 20


def test_pitfall_03_a_truncated_answer_is_no_state() -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(answer(DATA[:-1], len(DATA)))

    with misbehaving(cut) as url, pytest.raises(StoreError, match="no usable copy"):
        StateStore([url]).get(ROOT, len(DATA))


@pytest.mark.parametrize("pause", [0.05, 30.0], ids=["dripping", "silent"])
def test_pitfall_03_a_slow_server_is_given_up(pause: float) -> None:
    def slow(connection: socket.socket) -> None:
        connection.sendall(answer(b"", len(DATA)))
        for byte in DATA:
            time.sleep(pause)
            connection.sendall(bytes([byte]))

    with misbehaving(slow) as url, pytest.raises(StoreError, match="no usable copy"):
        StateStore([url], HURRIED).get(ROOT, len(DATA))


def test_pitfall_03_a_server_that_never_answers_is_given_up() -> None:
    with misbehaving(lambda connection: time.sleep(30)) as url, pytest.raises(StoreError, match="no usable copy"):
        StateStore([url], HURRIED).get(ROOT, len(DATA))


def packed(body: bytes, encoding: str) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(answer(body, extra=f"Content-Encoding: {encoding}\r\n"))


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_answer_that_a_proxy_packs_is_unpacked(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    with misbehaving(packed(pack(DATA), encoding)) as url:
        assert StateStore([url]).get(ROOT, len(DATA)) == DATA


def test_pitfall_03_packed_answers_are_unpacked_no_further_than_wanted() -> None:
    bomb = gzip.compress(bytes(1 << 30), compresslevel=1)
    with misbehaving(packed(bomb, "gzip")) as url, pytest.raises(CorruptState, match="more than"):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        StateStore([url]).get(ROOT, len(DATA))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 18  # KiB


def test_answer_that_is_packed_in_an_unknown_way_is_named() -> None:
    with misbehaving(packed(DATA, "br")) as url, pytest.raises(StoreError, match=r"packed as 'br'.*proxy"):
        StateStore([url]).get(ROOT, len(DATA))


def test_nothing_packed_is_asked_for() -> None:
    requests: list[bytes] = []
    with hearing(requests) as url, pytest.raises(StoreError):
        StateStore([url]).get(ROOT, len(DATA))
    assert b"accept-encoding: identity" in requests[0].lower()


def test_no_server_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(StoreError, match=f"http://127.0.0.1:{port}: .*connect"):
        StateStore([f"http://127.0.0.1:{port}"]).get(ROOT, 1)


def test_a_store_that_refuses_connections() -> None:
    """It was an unexpected ConnectionRefusedError: some places are connected to at once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(StoreError, match=rf"the store ftp://127.0.0.1:{port}/… does not answer"):
        StateStore([f"ftp://127.0.0.1:{port}/states"])


@pytest.mark.parametrize("target", ["http://..:1/", "http://[::1", "/elsewhere"])
def test_pitfall_15_redirections_are_not_followed_and_do_no_harm(target: str) -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())

    with misbehaving(behave) as url, pytest.raises(StoreError, match="it redirects to"):
        StateStore([url], HURRIED).get(ROOT, len(DATA))


SECRETS = ("wonderland", "t0ken")


@pytest.mark.parametrize(
    "url",
    [
        "http://alice:wonderland@127.0.0.1:1/states?key=t0ken",
        "http://127.0.0.1:1/t0ken/states",
        "http://alice:wonderland@[::1:1/t0ken",
        "http://alice:wonder@land@host:port/t0ken",
        "nosuch://alice:wonderland@host/t0ken",
    ],
)
def test_passwords_and_tokens_of_urls_are_never_shown(url: str) -> None:
    with pytest.raises((StoreError, InputError)) as found:
        StateStore([url], HURRIED).get(ROOT, len(DATA))
    assert not any(secret in str(found.value) for secret in (*SECRETS, "land@"))
    with pytest.raises((StoreError, InputError)) as found:
        StateStore([url], HURRIED).put(ROOT, DATA)
    assert not any(secret in str(found.value) for secret in (*SECRETS, "land@"))


@pytest.mark.parametrize("status", ["302 Found", "403 Forbidden", "500 Internal Server Error"])
def test_secrets_are_not_shown_whatever_the_server_answers(status: str) -> None:
    said = f"HTTP/1.1 {status}\r\nLocation: https://bob:wonderland@there/t0ken\r\nContent-Length: 0\r\n\r\n"
    with misbehaving(lambda connection: connection.sendall(said.encode())) as url, pytest.raises(StoreError) as found:
        StateStore([url.replace("//", "//alice:wonderland@") + "/t0ken?t0ken"], HURRIED).get(ROOT, len(DATA))
    assert not any(secret in str(found.value) for secret in SECRETS)
    assert url in str(found.value)


HOSTILE = "\x1b[2J\x9b31m\u202egood"  # clears a terminal, in another colour, from right to left


@pytest.mark.parametrize(
    ("status", "header"),
    [("302 Found", "Location"), (f"500 {HOSTILE}", "X"), ("200 OK", "Content-Encoding"), ("200 OK", HOSTILE)],
)
def test_pitfall_15_words_of_a_store_steer_no_terminal(status: str, header: str) -> None:
    said = f"HTTP/1.1 {status}\r\n{header}: {HOSTILE}\r\nContent-Length: 0\r\n\r\n".encode()
    with misbehaving(lambda connection: connection.sendall(said)) as url, pytest.raises(StoreError) as found:
        StateStore([url], HURRIED).get(ROOT, len(DATA))
    assert str(found.value).isprintable()


@pytest.mark.parametrize("place", [f"nosuch://{HOSTILE}", f"ftp://{HOSTILE}.invalid/", f"file:///proc/{HOSTILE}"])
def test_nor_do_the_places_that_a_deployment_names(place: str) -> None:
    with pytest.raises((StoreError, InputError)) as found:
        StateStore([place], HURRIED).put(ROOT, DATA)
    assert str(found.value).isprintable()


def test_pitfall_15_server_that_drips_its_headers_is_given_up(tmp_path: Path) -> None:
    def drip(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    hurried = Limits(connect_s=1.0, idle_s=0.3, total_s=600, slowest=1e9, longest_s=0.5)
    with misbehaving(drip) as url, pytest.raises(StoreError, match="no usable copy"):
        StateStore([url], hurried).get(ROOT, len(DATA))


def drop_by_drop(connection: socket.socket) -> None:
    connection.sendall(answer(b"", len(DATA)))
    for byte in DATA:
        time.sleep(0.02)
        connection.sendall(bytes([byte]))


@pytest.mark.parametrize(
    "behaviour",
    [
        lambda connection: connection.sendall(answer(DATA[:-1], len(DATA))),
        lambda connection: connection.sendall(answer(DATA + DATA)),
        packed(b"no gzip", "gzip"),
        lambda connection: None,
        lambda connection: connection.recv(1),
        drop_by_drop,
    ],
    ids=["cuts off", "says too much", "no gzip", "hangs up", "hangs", "drips"],
)
def test_pitfall_15_no_descriptors_are_lost_to_a_hostile_store(behaviour: Callable[[socket.socket], object]) -> None:
    with misbehaving(behaviour) as url:
        store = StateStore([url], Limits(connect_s=1.0, idle_s=0.1, total_s=0.1, slowest=1e9))
        for _ in range(12):
            with pytest.raises(StoreError):
                store.get(ROOT, len(DATA))
        assert connections_to(url) <= 2
