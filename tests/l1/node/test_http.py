"""JSON-RPC over an HTTP that misbehaves: answers that never end, that answer something else, or that are none."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable

import pytest

from pol_oracle.l1.node.rpc import Rpc
from pol_oracle.protocol.errors import ChainError, NodeTrouble, Unreachable
from pol_oracle.soak.network.lies import Reply
from pol_oracle.soak.network.proxy import LyingProxy
from tests.store.hostile import connections_to, misbehaving

BODY = b'{"jsonrpc": "2.0", "id": 1, "result": "0x7a69"}'
HEAD = b"HTTP/1.1 200 OK\r\n"


def dripping(head: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    """A node that says something before each of its time-outs, and never all."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(drop)
            time.sleep(0.02)

    return drip


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n", b" "),
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n" + gzip.compress(BODY)[:20], b"\0"),
        (HEAD, b"X"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "chunks", "within a chunk", "packed", "header", "status"],
)
def test_pitfall_26_an_answer_that_never_ends_is_given_up(head: bytes, drop: bytes) -> None:
    """A time-out is for the next byte: an agent behind such a proxy stood still for good."""
    with misbehaving(dripping(head, drop)) as url, pytest.raises(Unreachable, match="timed out"):
        Rpc(url, timeout_s=0.1, attempts=1).request("eth_chainId")


def whole(body: bytes, header: bytes = b"") -> Callable[[socket.socket], None]:
    head = HEAD + header + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    return lambda connection: connection.sendall(head + body)


def test_what_a_proxy_packs_is_read() -> None:
    with misbehaving(whole(gzip.compress(BODY), b"Content-Encoding: gzip\r\n")) as url:
        assert Rpc(url, attempts=1).request("eth_chainId") == "0x7a69"


def test_what_is_said_to_be_packed_and_is_not_is_no_answer() -> None:
    with misbehaving(whole(BODY, b"Content-Encoding: gzip\r\n")) as url, pytest.raises(Unreachable, match="no answer"):
        Rpc(url, attempts=1).request("eth_chainId")


def test_a_list_of_answers_is_none() -> None:
    with misbehaving(whole(b"[" + BODY + b"]")) as url, pytest.raises(Unreachable, match="no JSON-RPC"):
        Rpc(url, attempts=1).request("eth_chainId")


def test_pitfall_26_an_answer_to_another_question_is_none() -> None:
    with misbehaving(whole(BODY.replace(b"1", b"77", 1))) as url, pytest.raises(Unreachable, match="another question"):
        Rpc(url, attempts=1).request("eth_chainId")
    with misbehaving(whole(BODY)) as url:
        assert Rpc(url, attempts=1).request("eth_chainId") == "0x7a69"


@pytest.mark.parametrize("number", [None, "1", 77])
def test_refusals_count_whatever_question_they_name(number: object) -> None:
    """Nodes that could not read it do not know its number."""
    body = json.dumps({"id": number, "error": {"code": -32600, "message": "batch is not supported"}}).encode()
    with misbehaving(whole(body)) as url:
        assert Rpc(url, attempts=1).ask("eth_chainId").message == "batch is not supported"


@pytest.mark.parametrize("status", [400, 403, 413, 414, 502, 504])
def test_a_page_in_place_of_an_answer_is_trouble_with_this_question(proxy: LyingProxy, status: int) -> None:
    """And not an L1 that is away, for which all others would wait."""
    proxy.lie(lambda asked: Reply(b"<html>Request Entity Too Large</html>", status))
    with pytest.raises(NodeTrouble, match=f"HTTP {status}"):
        Rpc(proxy.url).request("eth_chainId")


@pytest.mark.parametrize(
    "behaviour",
    [
        whole(BODY.replace(b"1", b"77", 1)),
        whole(b"<html>Bad Gateway</html>"),
        lambda connection: connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n" + BODY),
        lambda connection: connection.sendall(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nno gzip"),
        lambda connection: None,
        lambda connection: connection.recv(1),
        dripping(HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    ],
    ids=["lies", "a page", "cuts off", "no gzip", "hangs up", "hangs", "drips"],
)
def test_pitfall_26_no_descriptors_are_lost_to_a_hostile_node(behaviour: Callable[[socket.socket], object]) -> None:
    with misbehaving(behaviour) as url:
        rpc = Rpc(url, timeout_s=0.05, attempts=1)
        for _ in range(12):
            with pytest.raises(ChainError):
                rpc.request("eth_chainId")
        assert connections_to(url) <= 1


def test_connections_are_counted() -> None:
    with misbehaving(lambda connection: connection.recv(1)) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))), socket.create_connection((host, int(port))):
            assert connections_to(url) == 2
        assert connections_to(url) == 0
