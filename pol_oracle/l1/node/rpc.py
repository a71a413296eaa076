"""JSON-RPC over HTTP with time-outs and bounded retries; the only module that opens a socket to L1.

An answer is read whatever its HTTP status: nodes and proxies send refusals with 200, 400 and 500 alike. What a refusal
is, its code says before its words: a call that reverts, trouble of the node that passes, or anything else. Its words
are a stranger's, and lose their control characters here.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import requests
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from urllib3.exceptions import ReadTimeoutError

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import ChainError, InputError, NodeTrouble, Unreachable
from pol_oracle.protocol.text import origin_of, place_of, printable, secrets_of

from .whole import WholeAnswers

ATTEMPTS = 3
PAUSE_S = 0.1  # after the first; doubles
CONNECT_TIMEOUT_S = 3.0
LONGEST_ANSWER = 64 * 2**20  # bytes: four times the logs of an L1 block of 60 million gas
MOST_PARTS = 2**21  # lists, objects, and what is in them: a few bytes each, and a hundred once they are decoded
REVERT_CODES = (3, -32015)  # of a call that reverted: EIP-1474's successors; OpenEthereum, Nethermind
TROUBLE_CODES = (-32603, -32002, 429)  # internal error; resource unavailable; too many requests
PRUNED_CODE = 4444  # EIP-4444: it will not come back
REVERT_WORDS = ("revert", "out of gas", "gas required exceeds", "invalid opcode", "vm execution error")
TROUBLE_WORDS = (
    *("too many requests", "rate limit", "rate-limit", "ratelimit", "requests per", "request count", "request limit"),
    *("throughput", "compute units", "timed out", "timeout", "header not found", "internal error", "internal server"),
    *("overloaded", "unavailable", "try again", "syncing"),
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Refusal:
    """The endpoint's "no": JSON-RPC error code, text (safe to print), and revert data if there is any."""

    code: int
    message: str
    data: bytes = b""

    @property
    def reverted(self) -> bool:
        """Says whether a contract refused, and not the node."""
        if self.data or self.code in REVERT_CODES:
            return True
        return self.code not in TROUBLE_CODES and _says(self.message, REVERT_WORDS)

    @property
    def pruned(self) -> bool:
        """Says whether the node has thrown away what was asked for."""
        return not self.reverted and (self.code == PRUNED_CODE or _says(self.message, ("pruned",)))

    @property
    def troubled(self) -> bool:
        """Says whether the node could not answer just now."""
        passing = self.code in TROUBLE_CODES or _says(self.message, TROUBLE_WORDS)
        return passing and not self.reverted and not self.pruned


class _Transient(Exception):
    """No usable answer this time; the next attempt may get one. Never leaves this module."""

    def __init__(self, why: str, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


class Rpc:
    """One endpoint.

    Args:
        url: http or https.
        timeout_s: how long to wait for the next of an answer, in seconds; a few times as long for all of it.
        attempts: how often it is asked, if no usable answer comes.

    Raises:
        InputError: the URL is not one of HTTP.
    """

    def __init__(self, url: str, timeout_s: float = 10.0, attempts: int = ATTEMPTS) -> None:
        if not _usable(url):
            raise InputError(f"{place_of(url)!r} is no RPC address; give one like http://127.0.0.1:8545")
        self._url = url
        self._timeout = (CONNECT_TIMEOUT_S, timeout_s)
        self._attempts = attempts
        self._numbers = count(1)
        self._local = threading.local()

    @property
    def url(self) -> str:
        """The endpoint, as given; sessions and requests are made for it alone."""
        return self._url

    @property
    def place(self) -> str:
        """The endpoint without path and credentials, which may hold an access key: safe to print."""
        return origin_of(self._url)

    def ask(self, method: str, *params: Any) -> Any | Refusal:
        """Sends one request and returns its result, or the endpoint's :class:`Refusal`.

        Raises:
            Unreachable: no answer after a few attempts.
            NodeTrouble: the last answer was that the node cannot just now, or a page of a proxy before it.
        """
        attempts = Retrying(
            retry=retry_if_exception_type(_Transient),
            stop=stop_after_attempt(self._attempts),
            wait=wait_exponential(multiplier=PAUSE_S, max=1.0),
        )
        try:
            return attempts(self._once, method, params)
        except RetryError as error:
            cause = error.last_attempt.exception()
            if isinstance(cause, _Transient) and cause.refused:
                raise NodeTrouble(f"L1 at {self.place} cannot answer {method} just now: {cause}") from cause
            raise Unreachable(
                f"no answer from L1 at {self.place} ({cause}); check that it runs ({pol('devnet status')})"
            ) from cause

    def request(self, method: str, *params: Any) -> Any:
        """Sends one request and returns its result.

        Raises:
            Unreachable: no answer after a few attempts.
            ChainError: the endpoint refused.
        """
        answer = self.ask(method, *params)
        if isinstance(answer, Refusal):
            raise ChainError(f"L1 at {self.place} refused {method}: {answer.message}")
        return answer

    def _once(self, method: str, params: tuple[Any, ...]) -> Any | Refusal:
        request = {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": list(params)}
        try:
            with self._post(json.dumps(request).encode()) as response:
                status, body = response.status_code, _body(response)
        except requests.RequestException as error:
            raise _Transient(_why(error)) from error
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict) and answer.get("error") is not None:
            return _judged(self._refusal(answer["error"]), status)
        if isinstance(answer, dict) and "result" in answer:
            if answer.get("id", request["id"]) != request["id"]:
                raise _Transient("its answer is to another question")
            return answer["result"]
        if status == 429 or status >= 500:
            raise _Transient(f"HTTP {status}", refused=True)
        if status >= 300:
            raise NodeTrouble(f"L1 at {self.place} answers HTTP {status}; check the RPC address")
        raise _Transient("its answer is no JSON" if answer is None else "its answer is no JSON-RPC")

    def _refusal(self, error: Any) -> Refusal:
        """What the endpoint said, which may repeat the key that it was asked with."""
        refusal = _refusal(error)
        message = refusal.message
        for secret in secrets_of(self._url):
            message = message.replace(secret, "…")
        return replace(refusal, message=message)

    def _post(self, body: bytes) -> requests.Response:
        """Sends a body. The rest of the request is prepared once for each thread: that costs as much as sending it."""
        if not hasattr(self._local, "session"):
            self._local.session = session = requests.Session()
            session.mount("http://", WholeAnswers())
            session.mount("https://", WholeAnswers())
            session.trust_env = urlsplit(self._url).hostname not in _LOOPBACK  # nothing here is behind a proxy
            asked = requests.Request("POST", self._url, headers={"Content-Type": "application/json"})
            self._local.request = session.prepare_request(asked)
            self._local.settings = session.merge_environment_settings(self._url, {}, True, None, None)
        session, request = self._local.session, self._local.request
        request.prepare_body(body, None)
        if session.cookies:  # they may hold on to one node of several
            request.headers.pop("Cookie", None)
            request.prepare_cookies(session.cookies)
        response: requests.Response = session.send(
            request, timeout=self._timeout, allow_redirects=False, **self._local.settings
        )
        return response


def _usable(url: str) -> bool:
    """Says whether it is a URL of HTTP."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its host or its port cannot be read
        return False


def _body(response: requests.Response) -> bytearray:
    """The whole answer, unless it is meant to fill the memory, as it is or once it is decoded."""
    body = bytearray()
    for chunk in response.iter_content(2**16):
        body += chunk
        if len(body) > LONGEST_ANSWER:
            raise _Transient(f"its answer is longer than {LONGEST_ANSWER >> 20} MiB")
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_PARTS:
        raise _Transient(f"its answer has more than {MOST_PARTS:,} parts")
    return body


def _refusal(error: Any) -> Refusal:
    if not isinstance(error, dict):
        return Refusal(0, printable(error))
    code = error.get("code")
    message = printable(error.get("message", "no reason given"))
    return Refusal(code if isinstance(code, int) else 0, message, _revert_data(error.get("data")))


def _judged(refusal: Refusal, status: int) -> Refusal:
    """A refusal that stands: trouble passes, and an HTTP status of trouble counts where the code says nothing."""
    final = refusal.reverted or refusal.pruned
    if refusal.troubled or (not final and (status == 429 or status >= 500)):
        raise _Transient(refusal.message, refused=True)
    return refusal


def _says(message: str, words: tuple[str, ...]) -> bool:
    return any(word in message.lower() for word in words)


def _revert_data(data: Any) -> bytes:
    """Revert data as nodes send it: hex, hex behind a word ("Reverted 0x..."), or nested in an object."""
    for _ in range(4):
        if not isinstance(data, dict):
            break
        data = data.get("data") or data.get("result")
    text = data.split()[-1] if isinstance(data, str) and data.strip() else ""
    try:
        return bytes.fromhex(text[2:]) if text.startswith("0x") else b""
    except ValueError:
        return b""


def _why(error: requests.RequestException) -> str:
    """One short clause instead of the library's nested text, which repeats the whole address."""
    if isinstance(error, requests.Timeout) or isinstance(next(iter(error.args), None), ReadTimeoutError):
        return "timed out"
    return "connection failed" if isinstance(error, requests.ConnectionError) else type(error).__name__
