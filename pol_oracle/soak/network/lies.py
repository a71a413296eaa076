"""What a node can say that is no use, or wrong. A lie answers one request, and may ask the real node."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pol_oracle.protocol.hashing import keccak

HANG_UP = None
REVERTS = {3, -32015}
HOSTILE = "\x1b[2Jall is well\r\n\x9b31m\u202egnorw"  # clears a terminal, begins a line, colours, turns text around


@dataclass(frozen=True)
class Reply:
    """What a client gets: a JSON-RPC answer, bytes as they are, or ``HANG_UP``; and the HTTP status."""

    body: Any
    status: int = 200


@dataclass(frozen=True)
class Question:
    """A request, and the way to the real node.

    Attributes:
        method, params: of the request.
        pass_on: asks the real node; other parameters may be given.
        rng: of the proxy.
        before: what the client was answered last time to the same request, or None.
    """

    method: str
    params: list[Any]
    pass_on: Callable[..., dict[str, Any]]
    rng: random.Random
    before: Reply | None


Lie = Callable[[Question], Reply]


def honestly(asked: Question) -> Reply:
    """What the real node says."""
    return Reply(asked.pass_on(asked.method, asked.params))


def result(value: Any) -> Reply:
    """An answer."""
    return Reply({"jsonrpc": "2.0", "result": value})


# --- lies: no answer, or no useful one ---


def hang_up(asked: Question) -> Reply:
    """Says nothing."""
    return Reply(HANG_UP)


def nothing(asked: Question) -> Reply:
    """Says that there is no such thing."""
    return result(None)


def garbage(asked: Question) -> Reply:
    """Says what is not JSON-RPC."""
    bodies = [b"<html>", b"", b"[" * 100_000, b"null", b'{"result": {}}', b'{"result": "0x-1"}', b'{"result": 7}']
    return Reply(asked.rng.choice(bodies))


def refuse(code: int, message: str, status: int = 200, data: str | None = None) -> Lie:
    """Refuses."""

    def refused(asked: Question) -> Reply:
        error = {"code": code, "message": message} | ({"data": data} if data is not None else {})
        return Reply({"jsonrpc": "2.0", "error": error}, status)

    return refused


def in_trouble(asked: Question) -> Reply:
    """Cannot just now, in one of many wordings."""
    return asked.rng.choice(TROUBLES)(asked)


# --- lies: the right answer in another form ---


def with_status(status: int) -> Lie:
    """Answers with another HTTP status if it is a refusal."""

    def other_status(asked: Question) -> Reply:
        body = asked.pass_on(asked.method, asked.params)
        return Reply(body, status if "error" in body else 200)

    return other_status


def worded(asked: Question) -> Reply:
    """Refuses as another client would: its code, its words, and control characters."""
    body = asked.pass_on(asked.method, asked.params)
    if "error" not in body:
        return Reply(body)
    reverted = body["error"].get("code") in REVERTS
    code, text = asked.rng.choice([(3, "execution reverted"), (-32015, "VM execution error.")] if reverted else _WORDS)
    error = {"code": code, "message": f"{text} {HOSTILE}"}
    if reverted:
        error["data"] = body["error"].get("data", "0x")
    return Reply({"jsonrpc": "2.0", "error": error}, asked.rng.choice([200, 400]))


def repeat(asked: Question) -> Reply:
    """Does it twice."""
    asked.pass_on(asked.method, asked.params)
    return honestly(asked)


def stale(asked: Question) -> Reply:
    """Answers as it did before."""
    return asked.before if asked.before is not None and asked.before.body is not HANG_UP else honestly(asked)


# --- lies: wrong answers ---


def swallow(asked: Question) -> Reply:
    """Takes a transaction, and tells nobody of it."""
    return result("0x" + keccak(bytes.fromhex(asked.params[0][2:])).hex())


def lag(blocks: int) -> Lie:
    """Is so many L1 blocks behind, for good: it has neither them nor what they hold."""

    def lagging(asked: Question) -> Reply:
        newest = int(asked.pass_on("eth_blockNumber", [])["result"], 16)
        known = max(newest - blocks, 0)
        params = [hex(known) if p in ("latest", "pending") else p for p in asked.params]
        if asked.method == "eth_blockNumber":
            return result(hex(known))
        body = asked.pass_on(asked.method, params)
        found = body.get("result")
        at = found.get("blockNumber", found.get("number")) if isinstance(found, dict) else None
        if asked.method.startswith("eth_get") and at is not None and int(at, 16) > known:
            return result(None)
        return Reply(body)

    return lagging


def dearer(factor: int) -> Lie:
    """Tells of fees that nobody pays."""

    def fees(asked: Question) -> Reply:
        body = asked.pass_on(asked.method, asked.params)
        told = body["result"]
        told["baseFeePerGas"] = [hex(int(fee, 16) * factor) for fee in told["baseFeePerGas"]]
        told["reward"] = [[hex(max(int(fee, 16), 10**9) * factor) for fee in row] for row in told.get("reward", [])]
        return Reply(body)

    return fees


def poor(asked: Question) -> Reply:
    """Says that there is no money."""
    return result("0x0")


def count_off(shift: int) -> Lie:
    """Tells of more transactions than there are, or of fewer."""

    def counting(asked: Question) -> Reply:
        there = int(asked.pass_on(asked.method, asked.params)["result"], 16)
        return result(hex(max(there + shift, 0)))

    return counting


def other_receipt(asked: Question) -> Reply:
    """Rewrites a receipt: what became of the transaction, or where."""
    body = asked.pass_on(asked.method, asked.params)
    if (found := body.get("result")) is not None:
        change: dict[str, Any] = asked.rng.choice(
            [
                {"blockHash": "0x" + "ab" * 32},
                {"blockNumber": "0x1"},
                {"transactionHash": "0x" + "cd" * 32},
                {"status": "0x0"},
                {"gasUsed": hex(2**200)},
            ]
        )
        body["result"] = found | change
    return Reply(body)


def no_logs(asked: Question) -> Reply:
    """Says that nothing was logged."""
    return result([])


def pruned(before: int, *, refuses: bool) -> Lie:
    """Has thrown away what was logged in L1 blocks before one, and shows nothing of it, or refuses to."""

    def forgetful(asked: Question) -> Reply:
        first = asked.params[0].get("fromBlock")
        if refuses and first is not None and int(first, 16) < before:
            return refuse(4444, "pruned history unavailable")(asked)
        body = asked.pass_on(asked.method, asked.params)
        body["result"] = [log for log in body.get("result", []) if int(log["blockNumber"], 16) >= before]
        return Reply(body)

    return forgetful


def other_logs(asked: Question) -> Reply:
    """Tells logs twice, in another order, or as they cannot be."""
    body = asked.pass_on(asked.method, asked.params)
    if found := body.get("result"):
        first, rest = found[0], found[1:]
        body["result"] = asked.rng.choice(
            [
                [*reversed(found), *found],
                [first | {"removed": True}, *rest],
                [*found, first | {"data": "0x"}],
                [first | {"address": "0x" + "11" * 20}, *rest],
                [first | {"blockHash": "0x" + "ab" * 32}, *rest],
            ]
        )
    return Reply(body)


def other_history(asked: Question) -> Reply:
    """Tells of fees in too few numbers, or in none."""
    body = asked.pass_on(asked.method, asked.params)
    if (found := body.get("result")) is not None:
        strange: list[Any] = [["0x0"] * 9, [], ["much"], None]
        body["result"] = found | {asked.rng.choice(["baseFeePerGas", "reward"]): asked.rng.choice(strange)}
    return Reply(body)


def page(asked: Question) -> Reply:
    """Answers as a proxy does that has an opinion of its own."""
    return Reply(b"<html>Request Entity Too Large</html>", asked.rng.choice([200, 403, 413, 502, 504]))


TROUBLES = (
    refuse(-32603, "Internal error"),
    refuse(-32603, f"internal error {HOSTILE}", 500),
    refuse(-32000, "header not found"),
    refuse(-32005, "daily request count exceeded, request rate limited", 429),
    refuse(429, "Your app has exceeded its compute units per second capacity", 429),
    refuse(-32002, "request timed out", 503),
    hang_up,
    garbage,
    page,
)
_WORDS = [(-32000, "already known"), (-32010, "AlreadyKnown"), (-32003, "tx rejected"), (-32000, "nope")]
_READ = ("eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getBlockByNumber")
WILD: tuple[tuple[Lie, tuple[str, ...]], ...] = (
    (in_trouble, ()),
    (worded, ()),
    (stale, ()),
    (nothing, _READ),
    (lag(2), ()),
    (swallow, ("eth_sendRawTransaction",)),
    (repeat, ("eth_sendRawTransaction",)),
    (dearer(1000), ("eth_feeHistory",)),
    (poor, ("eth_getBalance",)),
    (count_off(1), ("eth_getTransactionCount",)),
    (count_off(-1), ("eth_getTransactionCount",)),
    (other_receipt, ("eth_getTransactionReceipt",)),
    (no_logs, ("eth_getLogs",)),
    (other_logs, ("eth_getLogs",)),
    (other_history, ("eth_feeHistory",)),
)
