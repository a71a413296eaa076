"""Is the canonical arithmetic exact on this machine? An agent that fails this refuses to sign."""

from __future__ import annotations

from functools import cache

import numpy as np

from pol_oracle.protocol.errors import ArithmeticFault
from pol_oracle.protocol.hashing import keccak

from .commitments.trees import tensor_root
from .execution.execute import Workspace
from .expressions import FloatArray, constant, coordinate, equal, exp, greater, operand, relu, select, square_root
from .initial import splitmix64
from .kernels.modes import require_exact
from .models import build_model
from .programs.builder import Builder, Place, Tail
from .state import State
from .step import Stepper

LEARNING_RATE = 0x3D4CCCCD  # 0.05
ROWS, COLUMNS, TERMS = 40, 24, 200  # whole tiles and vectors, and some left over; several chunks
PERIOD, SHORT = 16, 21  # what a block of a map is a multiple of; a vector and some left over
EXPECTED = {
    "gather": "29620749b06e38e2",
    "matrix product": "4b754125b1e68111",
    "dot": "812484ae527a92ed",
    "sum": "99894b4c07305de0",
    "max": "c70e8033283754dd",
    "argmax": "0ac69db4b9dce451",
    "map": "1badea179389ddb0",
    "exponential": "3fa87fcfaf425e61",
    "comparison": "e7433e60f528d479",
    "first of equals": "1cff9bd49469ed24",
    "signs of zero": "ef4f27444c5d93a8",
    "period": "507c081ac22d1200",
    "copy": "b59def2514afe4ab",
    "tensor root": "0b0c3439455f1706",
    "step": "42a2f9719d9509b5",
    "trace": "4c3a790aead161f3",
    "finite": "e1d9a5555ac97988",
}


def self_test() -> None:
    """Compares known answers of every operation, of the trees and of a whole step.

    Subnormals must be alive (some libraries switch them off; every later run looks again), products and sums must be
    rounded separately, and one step of the small CNN must give its known roots. Takes some 50 ms.

    Raises:
        ArithmeticFault: an answer is wrong; nothing this machine computes may be signed.
    """
    require_exact()
    for name, digest in answers().items():
        if digest != EXPECTED[name]:
            raise ArithmeticFault(
                f"the canonical arithmetic is not exact on this machine ({name} gives {digest}, not {EXPECTED[name]}); "
                "do not sign anything with it"
            )


def answers() -> dict[str, str]:
    """Returns this machine's answers, as hex of the first 8 bytes of a hash: its fingerprint."""
    tensors = {label: keccak(tensor.astype(">f4").tobytes()) for label, tensor in _operations().items()}
    state, stepper = State.initial(build_model("cnn"), 7), _stepper()
    pixels = splitmix64(3, np.arange(2 * 32 * 32 * 3, dtype=np.uint64)).astype(np.uint8)
    result = stepper.run(state, pixels.reshape(2, 32, 32, 3), np.array([3, 8], np.uint8))
    roots = {
        "tensor root": tensor_root(_numbers(4160)),
        "step": result.post.root,
        "trace": result.trace.root,
    }
    return {name: value[:8].hex() for name, value in (tensors | roots | {"finite": _finite()}).items()}


@cache
def _stepper() -> Stepper:
    return Stepper(build_model("cnn"), 2, LEARNING_RATE)


@cache
def _workspace() -> Workspace:
    """A program with every kind of operation, every instruction and every kind of tail."""
    builder = Builder([(ROWS, TERMS), (COLUMNS, TERMS)], [])
    a, b = builder.state
    x, y = operand(0), operand(1)
    by_row, small = a.view((TERMS,), (1,)), (ROWS, COLUMNS)
    places = [(Place({1: 1}, -1), ROWS, TERMS), (Place({0: -1}, TERMS, 2), TERMS, 1)]
    builder.gather(a, (TERMS, ROWS + 2), places, "gather")
    tail = Tail(x * y + constant(0.1), (b.view((0, TERMS)),))
    views = a.view((TERMS, 0), (1,)), b.view((0, TERMS), (1,))
    product = builder.dot(small, (TERMS,), *views, "matrix product", tail)
    builder.dot((COLUMNS,), (TERMS,), by_row, b.view((TERMS,), (1,)), "dot")
    builder.sum((ROWS,), (TERMS,), by_row, "sum", Tail(x / constant(3.0)))
    builder.max((ROWS,), (TERMS,), by_row, "max")
    builder.argmax((ROWS,), (TERMS,), by_row, "argmax")
    picked = select(equal(coordinate(1), constant(3.0)), x - y, relu(x) + greater(x, y))
    builder.map(small, picked / (square_root(x * x) + constant(1.0)), product.whole(), a.view((TERMS, 1)), label="map")
    builder.map(small, exp(x * constant(60.0)), a.view((TERMS, 1)), label="exponential")
    signs = builder.map((ROWS, TERMS), greater(x, constant(0.0)), a.whole(), label="comparison")
    builder.argmax((ROWS,), (TERMS,), signs.view((TERMS,), (1,)), "first of equals")
    builder.map(small, relu(x * constant(0.0)), a.view((TERMS, 1)), label="signs of zero")
    builder.map((ROWS, PERIOD), x * y, a.view((TERMS, 1)), b.view((0, 1)), label="period")
    builder.map((SHORT,), x, a.view((1,)), label="copy")
    return Workspace(builder.program(0))


def _operations() -> dict[str, FloatArray]:
    """What every operation of that program gives for huge, tiny and subnormal numbers."""
    workspace = _workspace()
    numbers = _numbers(workspace.state.size)
    scales = np.ldexp(np.float32(1), np.arange(numbers.size) % 5 * 16 - 48).astype(np.float32)
    workspace.state[:] = np.where(np.arange(numbers.size) % 7 == 0, numbers * np.float32(2.0**-130), numbers * scales)
    workspace.run()
    first = workspace.program.first
    return {o.label: t for o, t in zip(workspace.program.operations, workspace.tensors[first:], strict=True)}


def _finite() -> bytes:
    """In which places an infinity or a NaN is noticed, and that nothing is noticed where there is none."""
    workspace = _workspace()
    workspace.state[:] = 1
    said = bytearray([workspace.run()])
    for value in (np.inf, -np.inf, np.nan):
        for place in (0, SHORT - 1):
            workspace.state[place] = value
            said.append(workspace.run([len(workspace.tensors) - 1]))
            workspace.state[place] = 1
    return keccak(bytes(said))


def _numbers(count: int) -> FloatArray:
    """Pseudo-random floats in [-1, 1)."""
    words = splitmix64(11, np.arange(count, dtype=np.uint64)) >> np.uint64(40)
    return words.astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
