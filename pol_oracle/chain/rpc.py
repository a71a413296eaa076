"""JSON-RPC over HTTP with time-outs and bounded retries; the only module that opens a socket to L1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from pol_oracle.protocol.errors import ChainError, InputError, Unreachable

ATTEMPTS = 3
CONNECT_TIMEOUT_S = 3.0
BUSY = ("too many requests", "rate limit", "request timed out", "header not found")


class _Transient(Exception):
    """No usable answer this time; the next attempt may get one. Never leaves this module."""


@dataclass(frozen=True)
class Refusal:
    """The endpoint's "no": JSON-RPC error code, text, and revert data if there is any."""

    code: int
    message: str
    data: bytes = b""


class Rpc:
    """One endpoint.

    Args:
        url: http or https.
        timeout_s: how long to wait for one answer, in seconds.

    Raises:
        InputError: the URL is not one of HTTP.
    """

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise InputError(f"{url!r} is no RPC address; give one like http://127.0.0.1:8545")
        self.url = url
        self._provider = HTTPProvider(
            url, request_kwargs={"timeout": (CONNECT_TIMEOUT_S, timeout_s)}, exception_retry_configuration=None
        )

    @property
    def place(self) -> str:
        """The endpoint without path and credentials, which may hold an access key: safe to print."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")

    def ask(self, method: str, *params: Any) -> Any | Refusal:
        """Sends one request and returns its result, or the endpoint's :class:`Refusal`.

        Raises:
            Unreachable: no answer after a few attempts.
        """
        attempts = Retrying(
            retry=retry_if_exception_type(_Transient),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential(multiplier=0.1, max=1.0),
        )
        try:
            return attempts(self._once, method, params)
        except RetryError as error:
            cause = error.last_attempt.exception()
            raise Unreachable(
                f"no answer from L1 at {self.place} ({cause}); check that it runs (`pol devnet status`)"
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
        try:
            answer = self._provider.make_request(RPCEndpoint(method), list(params))
        except requests.HTTPError as error:
            status = error.response.status_code
            if status == 429 or status >= 500:
                raise _Transient(f"HTTP {status}") from error
            raise Unreachable(f"L1 at {self.place} answers HTTP {status}; check the RPC address") from error
        except requests.RequestException as error:
            raise _Transient(_why(error)) from error
        except ValueError as error:
            raise _Transient("its answer is no JSON") from error
        if isinstance(answer, dict) and answer.get("error") is not None:
            return _refusal(answer["error"])
        if not isinstance(answer, dict) or "result" not in answer:
            raise _Transient("its answer is no JSON-RPC")
        return answer["result"]


def _refusal(error: Any) -> Refusal:
    if not isinstance(error, dict):
        return Refusal(0, str(error))
    message = str(error.get("message", "no reason given"))
    if any(sign in message.lower() for sign in BUSY):
        raise _Transient(message)
    code = error.get("code")
    return Refusal(code if isinstance(code, int) else 0, message, _revert_data(error.get("data")))


def _revert_data(data: Any) -> bytes:
    """Revert data as nodes send it: hex, hex behind a word ("Reverted 0x..."), or nested in an object."""
    if isinstance(data, dict):
        return _revert_data(data.get("data") or data.get("result"))
    text = data.split()[-1] if isinstance(data, str) and data.strip() else ""
    try:
        return bytes.fromhex(text[2:]) if text.startswith("0x") else b""
    except ValueError:
        return b""


def _why(error: requests.RequestException) -> str:
    """One short clause instead of the library's nested text, which repeats the whole address."""
    if isinstance(error, requests.Timeout):
        return "timed out"
    return "connection failed" if isinstance(error, requests.ConnectionError) else type(error).__name__
