"""A JSON-RPC endpoint between a client and a real L1: it lags, drops, lies, repeats, rewrites, as told or at random.

    with LyingProxy(devnet.rpc, seed=7) as proxy:
        proxy.lie(nothing, "eth_getTransactionReceipt")          # always
        proxy.lie(refuse(-32603, "internal error"), rate=0.1)    # one request in ten, whatever the method
        proxy.go_wild(rate=0.05)                                 # everything that nodes were seen to do
        client = Client.connect(proxy.url, deployment)

What is random follows from the seed and from the order of the requests. ``proxy.told`` counts the lies.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import requests

from .lies import HANG_UP, WILD, Lie, Question, Reply


@dataclass(frozen=True)
class _Rule:
    name: str
    lie: Lie
    methods: tuple[str, ...]  # empty: all
    rate: float


class LyingProxy:
    """Serves on a port of the loopback interface until it is closed.

    Args:
        target: URL of the real node.
        seed: of everything random.

    Attributes:
        asked: how often each method was asked.
        told: how often each lie was told.
        sent: every raw transaction that clients handed over, as hex, in order.
    """

    def __init__(self, target: str, seed: int = 0) -> None:
        self.target = target
        self.asked: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.sent: list[str] = []
        self._rules: list[_Rule] = []
        self._rng = random.Random(seed)  # noqa: S311 - chance that can be repeated is what is wanted
        self._before: dict[str, Reply] = {}
        self._lock = threading.Lock()
        self._session = threading.local()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def lie(self, lie: Lie, *methods: str, rate: float = 1.0) -> None:
        """Tells a lie from now on about these methods (none: all), in so many of a hundred cases.

        The first rule that applies is the one that counts.
        """
        self._rules = [*self._rules, _Rule(getattr(lie, "__name__", "lie"), lie, methods, rate)]

    def honest(self) -> None:
        """Tells no lies from now on."""
        self._rules = []

    @contextmanager
    def lying(self, lie: Lie, *methods: str, rate: float = 1.0) -> Iterator[None]:
        """Tells a lie for a while."""
        rules = self._rules
        self.lie(lie, *methods, rate=rate)
        try:
            yield
        finally:
            self._rules = rules

    def go_wild(self, rate: float = 0.05) -> None:
        """Does everything that nodes were seen to do, each in ``rate`` of the requests that it is about."""
        for lie, methods in WILD:
            self.lie(lie, *methods, rate=rate)

    def answer(self, method: str, params: list[Any]) -> Reply:
        """Answers one request."""
        key = f"{method} {json.dumps(params)}"
        with self._lock:
            self.asked[method] += 1
            if method == "eth_sendRawTransaction":
                self.sent.append(params[0])
            rule = next((r for r in self._rules if self._applies(r, method)), None)
            if rule is not None:
                self.told[rule.name] += 1
            own = random.Random(self._rng.random())  # noqa: S311
            asked = Question(method, params, self._pass_on, own, self._before.get(key))
        reply = rule.lie(asked) if rule is not None else Reply(self._pass_on(method, params))
        with self._lock:
            self._before = dict(list(self._before.items())[-256:]) | {key: reply}
        return reply

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _applies(self, rule: _Rule, method: str) -> bool:
        return (not rule.methods or method in rule.methods) and self._rng.random() < rule.rate

    def _pass_on(self, method: str, params: list[Any]) -> dict[str, Any]:
        if not hasattr(self._session, "http"):
            self._session.http = requests.Session()
            self._session.http.trust_env = False
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer: dict[str, Any] = self._session.http.post(self.target, json=body, timeout=30).json()
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: LyingProxy) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # header and body in one piece, or each answer waits for the acknowledgement of its header
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    reply = proxy.answer(asked["method"], asked["params"])
                except requests.RequestException:  # the real node is away
                    reply = Reply(HANG_UP)
                if reply.body is HANG_UP:
                    self.close_connection = True
                    return
                body = reply.body
                if not isinstance(body, bytes):
                    body = json.dumps(body | {"id": asked["id"]}).encode()
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is its own affair."""
