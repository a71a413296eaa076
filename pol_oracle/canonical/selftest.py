"""Is the canonical arithmetic exact on this machine? An agent that fails this refuses to sign."""

from __future__ import annotations

from functools import cache

import numpy as np

from pol_oracle.protocol.errors import ArithmeticFault
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.rules import PAPER

from . import kernels
from .expressions import FloatArray, exponential
from .initial import splitmix64
from .models import build_model
from .state import State
from .step import Stepper
from .trees import tensor_root

LEARNING_RATE = 0x3D4CCCCD  # 0.05
EXPECTED = {
    "tensor root": "0b0c3439455f1706",
    "exponential": "137c4ec30f6924d5",
    "extremes": "b1899dc167bb0fdc",
    "step": "42a2f9719d9509b5",
    "trace": "c228e31dada89ad6",
}


def self_test() -> None:
    """Compares known answers of every operation kind, of the trees and of a whole step.

    Subnormals must be alive (some libraries switch them off for the whole process), products and sums must be rounded
    separately, and one step of the small CNN must give its known roots. Takes some 50 ms.

    Raises:
        ArithmeticFault: an answer is wrong; nothing this machine computes may be signed.
    """
    _check_subnormals()
    for name, digest in answers().items():
        if digest != EXPECTED[name]:
            raise ArithmeticFault(
                f"the canonical arithmetic is not exact on this machine ({name} gives {digest}, not {EXPECTED[name]}); "
                "do not sign anything with it"
            )


def answers() -> dict[str, str]:
    """Returns this machine's answers, as hex of the first 8 bytes of a hash."""
    numbers = _numbers(4160)
    state, stepper = State.initial(build_model("cnn"), 7), _stepper()
    pixels = splitmix64(3, np.arange(2 * 32 * 32 * 3, dtype=np.uint64)).astype(np.uint8)
    result = stepper.run(state, pixels.reshape(2, 32, 32, 3), np.array([3, 8], np.uint8))
    hashes = {
        "tensor root": tensor_root(numbers),
        "exponential": keccak(exponential(numbers * np.float32(64)).astype(">f4").tobytes()),
        "extremes": keccak(_extremes().astype(">f4").tobytes()),
        "step": result.post.root,
        "trace": result.trace.root,
    }
    return {name: value[:8].hex() for name, value in hashes.items()}


@cache
def _stepper() -> Stepper:
    return Stepper(build_model("cnn"), PAPER, 2, LEARNING_RATE)


def _numbers(count: int) -> FloatArray:
    """Pseudo-random floats in [-1, 1)."""
    words = splitmix64(11, np.arange(count, dtype=np.uint64)) >> np.uint64(40)
    return words.astype(np.float32) * np.float32(2.0**-23) - np.float32(1)


def _extremes() -> FloatArray:
    """Products of matrices with huge, tiny and subnormal numbers."""
    numbers = _numbers(4096).reshape(32, 128)
    scales = np.ldexp(np.float32(1), np.arange(128) % 5 * 32 - 96).astype(np.float32)
    a = (numbers * scales).reshape(-1)
    out, panels = np.empty(36 * 16, np.float32), np.empty(128 * 16, np.float32)
    rows, step = np.arange(32, dtype=np.int64) * 128, np.arange(128, dtype=np.int64)
    kernels.pack_columns(a, rows[:16], step, panels)
    kernels.product(a, rows, step, np.full(128, 128, np.int64), panels, 16, out)
    return out[: 32 * 16]


def _check_subnormals() -> None:
    tiny = np.full(64, np.finfo(np.float32).tiny, np.float32)
    half = tiny * np.float32(0.5)
    out, index = np.empty(1, np.float32), np.zeros(1, np.int64)
    kernels.sum_rows(half, index, np.arange(64, dtype=np.int64), out)
    if not (half > 0).all() or out[0] != np.float32(32) * tiny[0]:
        raise ArithmeticFault("this process flushes subnormal floats to zero; do not sign anything with it")
