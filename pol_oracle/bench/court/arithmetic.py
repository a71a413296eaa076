"""The court's arithmetic against numpy's: the contract Calculator, asked through a node for many operands at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pol_oracle.canonical.expressions import Code, FloatArray, exponential
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.abi import decode_answer, decode_revert, encode_call
from pol_oracle.l1.contracts.artifacts import load_artifact
from pol_oracle.l1.node.rpc import Refusal

from ..format import Row

Bits = NDArray[np.uint32]

ADDRESS = "0x" + "ca1c" * 10  # where calls pretend that the contract stands
BATCH = {Code.EXP: 400}  # operands per call, so that one call stays below the gas limit of a transaction
USUAL_BATCH = 4000
CALL_GAS = 1 << 24

SIGN, EXPONENT, FRACTION, NAN = (np.uint32(x) for x in (0x80000000, 0x7F800000, 0x007FFFFF, 0x7FC00000))
EDGES = np.array(
    [
        *(0x00000000, 0x00000001, 0x00000002, 0x00200001, 0x00400000, 0x007FFFFF, 0x00800000, 0x00800001, 0x00FFFFFF),
        *(0x1F800000, 0x1FFFFFFF, 0x20000000, 0x33800000, 0x33800001, 0x34000000, 0x3F7FFFFF, 0x3F800000, 0x3F800001),
        *(0x40490FDB, 0x42AE0000, 0x42AE0001, 0x42B00000, 0x42B00001, 0x4B000001, 0x4B7FFFFF, 0x4B800000, 0x4F800000),
        *(0x5F3759DF, 0x7EFFFFFF, 0x7F000000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF),
    ],
    np.uint32,
)


@dataclass(frozen=True)
class Run:
    """Opened elements ``first`` to ``end``, exclusive, of a tensor; ``data`` is their offset in bytes."""

    tensor: int
    first: int
    end: int
    data: int


class Calculator:
    """The contract Calculator, called without being deployed.

    Args:
        client: of an L1 whose node takes state overrides in ``eth_call``, as Anvil does.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._code = client.rpc.request("eth_call", {"data": load_artifact("Calculator").bytecode})

    def calculate(self, code: Code, a: Bits, b: Bits | None = None) -> Bits:
        """Carries out one instruction on every operand, or pair of operands."""
        found = []
        for at in range(0, a.size, step := BATCH.get(code, USUAL_BATCH)):
            packed = [b"" if x is None else x[at : at + step].astype(">u4").tobytes() for x in (a, b)]
            found.append(np.frombuffer(self._ask("calculate", code, *packed), ">u4"))
        result: Bits = np.concatenate(found).astype(np.uint32)
        return result

    def evaluate(self, descriptor: bytes, element: int, runs: Sequence[Run], data: bytes) -> int:
        """Returns the bits of one element of an operation.

        Raises:
            Reverted: the contract refused.
        """
        opened = [(r.tensor, r.first, r.end, r.data) for r in runs]
        return int(self._ask("evaluate", descriptor, element, opened, data))

    def size(self, descriptor: bytes) -> int:
        """Returns how many elements an operation's tensor has."""
        return int(self._ask("size", descriptor))

    def _ask(self, function: str, *arguments: Any) -> Any:
        data = encode_call("Calculator", function, arguments)
        call = {"to": ADDRESS, "data": f"0x{data.hex()}", "gas": hex(CALL_GAS)}
        answer = self._client.rpc.ask("eth_call", call, "latest", {ADDRESS: {"code": self._code}})
        if isinstance(answer, Refusal):
            raise decode_revert(answer.data, answer.message)
        return decode_answer("Calculator", function, bytes.fromhex(answer[2:]))


def vectors(count: int, client: Client, seed: int = 0) -> Iterator[Row]:
    """Compares ``count`` random operands, or pairs, per operation with numpy, bit for bit; a NaN equals any NaN.

    Args:
        count: of operands per operation.
        client: of an Anvil.
        seed: of the random numbers.
    """
    calculator = Calculator(client)
    for code, expected in REFERENCE.items():
        rng = np.random.default_rng([seed, code])
        a, b = operands(rng, code, count)
        unary = code in (Code.SQRT, Code.RELU, Code.EXP)
        found = calculator.calculate(code, a, None if unary else b)
        with np.errstate(all="ignore"):
            wanted = expected(a.view(np.float32), b.view(np.float32)).astype(np.float32).view(np.uint32)
        wrong = int((one_nan(found) != one_nan(wanted)).sum())
        yield Row(f"court.arithmetic.{code.name.lower()}", wrong, f"mismatches in {a.size}", bar=0)


REFERENCE: dict[Code, Callable[[FloatArray, FloatArray], NDArray[Any]]] = {
    Code.ADD: lambda a, b: a + b,
    Code.SUB: lambda a, b: a - b,
    Code.MUL: lambda a, b: a * b,
    Code.DIV: lambda a, b: a / b,
    Code.SQRT: lambda a, _: np.sqrt(a),
    Code.GT: lambda a, b: a > b,
    Code.EQ: lambda a, b: a == b,
    Code.RELU: lambda a, _: np.where((a > 0) | np.isnan(a), a, np.float32(0)),
    Code.EXP: lambda a, _: exponential(a),
}


def one_nan(bits: Bits) -> Bits:
    """The same bits, with one NaN for all."""
    return np.where((bits & ~SIGN) > EXPONENT, NAN, bits)


def operands(rng: np.random.Generator, code: Code, count: int) -> tuple[Bits, Bits]:
    """Pairs that are hard to get right: every pair of edges first, then a share of every kind below."""
    edges = np.concatenate([EDGES, EDGES | SIGN])
    pairs = np.stack(np.meshgrid(edges, edges)).reshape(2, -1).astype(np.uint32)
    if code is Code.EXP:
        pairs = np.stack([edges, edges])
        kinds = [_exponents, _exponents, _any]
    else:
        kinds = [_any, _near, _cancelling, _ties, _subnormal, _underflowing, _equal]
    shares = np.array_split(np.arange(max(0, count - pairs.shape[1])), len(kinds))
    made = [np.stack(kind(rng, share.size)) for kind, share in zip(kinds, shares, strict=True)]
    a, b = np.concatenate([pairs, *made], axis=1)[:, :count].copy()
    return a, b


def _bits(rng: np.random.Generator, count: int) -> Bits:
    return rng.integers(0, 1 << 32, count, dtype=np.uint32)


def _any(rng: np.random.Generator, count: int) -> tuple[Bits, Bits]:
    return _bits(rng, count), _bits(rng, count)


def _shifted(rng: np.random.Generator, exponents: NDArray[np.int64]) -> Bits:
    """Random numbers with these exponents, as far as there are such."""
    return (exponents.clip(0, 254) << 23).astype(np.uint32) | (_bits(rng, exponents.size) & ~EXPONENT)


def _near(rng: np.random.Generator, count: int) -> tuple[Bits, Bits]:
    """Exponents that differ by up to 30."""
    a = _bits(rng, count)
    return a, _shifted(rng, ((a & EXPONENT) >> 23).astype(np.int64) + rng.integers(-30, 31, count))


def _cancelling(rng: np.random.Generator, count: int) -> tuple[Bits, Bits]:
    """b is within three units of −a."""
    a = _bits(rng, count)
    return a, ((a ^ SIGN).astype(np.int64) + rng.integers(-3, 4, count)).astype(np.uint32)


def _ties(rng: np.random.Generator, count: int) -> tuple[Bits, Bits]:
    """Few bits set, so that much is exact or lies half-way."""
    a, b = (_bits(rng, count) & (~FRACTION | (_bits(rng, count) & _bits(rng, count))) for _ in range(2))
    near = ((a & EXPONENT) >> 23).astype(np.int64) + rng.integers(-26, 27, count)
    return a, (b & ~EXPONENT) | (near.clip(0, 254) << 23).astype(np.uint32)


def _subnormal(rng: np.random.Generator, count: int) -> tuple[Bits, Bits]:
    """a is subnormal, b often."""
    a, b = _bits(rng, count) & ~EXPONENT, _bits(rng, count)
    return a, np.where(rng.integers(0, 2, count) == 0, b, b & ~EXPONENT)


def _underflowing(rng: np.random.Generator, count: int) -> tuple[Bits, Bits]:
    """Products and quotients around the least normal float."""
    exponents = rng.integers(1, 255, count)
    other = np.where(rng.integers(0, 2, count) == 0, 127 - exponents, exponents + 126)
    return _shifted(rng, exponents), _shifted(rng, other + rng.integers(-26, 5, count))


def _equal(rng: np.random.Generator, count: int) -> tuple[Bits, Bits]:
    """Squares; and their roots are exact, or nearly."""
    root = rng.integers(1 << 11, 1 << 12, count).astype(np.float32)
    square = (root * root * np.float32(2.0) ** rng.integers(-60, 60, count)).astype(np.float32).view(np.uint32)
    square = (square.astype(np.int64) + rng.integers(-1, 2, count)).astype(np.uint32)
    return square, square.copy()


def _exponents(rng: np.random.Generator, count: int) -> tuple[Bits, Bits]:
    """What exp is for, and somewhat beyond."""
    x = (rng.standard_normal(count) * 2.0 ** rng.integers(-8, 7, count)).astype(np.float32)
    return x.view(np.uint32), x.view(np.uint32)
