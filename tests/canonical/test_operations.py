"""Fast kernels against the one-element reference, on programs made for the purpose."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pol_oracle.canonical.execution.execute import Workspace
from pol_oracle.canonical.expressions import (
    Expression,
    constant,
    coordinate,
    equal,
    exp,
    exponential,
    greater,
    operand,
    relu,
    select,
    square_root,
)
from pol_oracle.canonical.programs.builder import Builder, Place, Tail, Tensor
from pol_oracle.canonical.programs.reference import blk64, reference

Floats = NDArray[np.float32]

ELEMENTS = 100  # compared one by one
TRAPS = np.array(
    [0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45, 1.1754944e-38, 3.4028235e38, -3.4028235e38, 1e-30, 1 + 2**-23, 0.1],
    np.float32,
)
NON_FINITE = np.array([np.nan, np.inf, -np.inf], np.float32)


def values(seed: int, size: int, extra: Floats = TRAPS) -> Floats:
    """Random floats of all scales, sprinkled with traps."""
    rng = np.random.default_rng(seed)
    out = (rng.standard_normal(size) * 2.0 ** rng.integers(-40, 40, size)).astype(np.float32)
    return np.where(rng.random(size) < 0.2, rng.choice(extra, size), out).astype(np.float32)


def same(a: Floats, b: Floats) -> bool:
    """Bit for bit, but a NaN equals any NaN."""
    both_nan = np.isnan(a) & np.isnan(b)
    return bool((both_nan | (a.view(np.uint32) == b.view(np.uint32))).all())


def check(builder: Builder, inputs: list[Floats]) -> tuple[Floats, bool]:
    """Runs the program, compares elements of its last tensor with the reference, returns tensor and finiteness."""
    program = builder.program(0)
    workspace = Workspace(program)
    for tensor, value in zip(workspace.tensors, inputs, strict=False):
        tensor[...] = value.reshape(tensor.shape)
    finite = workspace.run()
    out = workspace.tensors[-1].reshape(-1)
    flat = [t.reshape(-1) for t in workspace.tensors]
    last = len(flat) - 1
    which = np.arange(out.size) if out.size <= ELEMENTS else np.linspace(0, out.size - 1, ELEMENTS).astype(int)
    expected = [reference(program, last, int(i), lambda t, e: np.float32(flat[t][e])).value for i in which]
    assert same(out[which], np.array(expected, np.float32))
    return out.copy(), finite


def matrices(rows: int, columns: int, terms: int) -> tuple[Builder, Tensor, Tensor]:
    builder = Builder([(rows, terms)], [(columns, terms)])
    return builder, builder.state[0], builder.batch[0]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([1, 2, 27, 63, 64, 65, 128, 130, 200]),
    st.integers(0, 2**32),
)
def test_matrix_product_equals_reference(rows: int, columns: int, terms: int, seed: int) -> None:
    builder, a, b = matrices(rows, columns, terms)
    builder.dot((rows, columns), (terms,), a.view((terms, 0), (1,)), b.view((0, terms), (1,)), "")
    check(builder, [values(seed, rows * terms), values(seed + 1, columns * terms)])


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 20), st.sampled_from([1, 63, 64, 65, 300]), st.integers(0, 2**32))
def test_row_by_row_dot_and_sum_equal_reference(rows: int, terms: int, seed: int) -> None:
    inputs = [values(seed, rows * terms), values(seed + 1, rows * terms)]
    builder, a, b = matrices(rows, rows, terms)
    builder.dot((rows,), (terms,), a.view((terms,), (1,)), b.view((terms,), (1,)), "")
    check(builder, inputs)
    builder, a, b = matrices(rows, rows, terms)
    builder.sum((rows,), (terms,), a.view((terms,), (1,)), "")
    check(builder, inputs)


def test_product_over_broken_runs_and_strides_equals_reference() -> None:
    builder = Builder([(7, 9, 11)], [(5, 9, 11)])
    a, b = builder.state[0], builder.batch[0]
    builder.dot((7, 5), (8, 5), a.view((99, 0), (11, 2), 3), b.view((0, 99), (11, 1), 11), "")
    check(builder, [values(1, 7 * 99), values(2, 5 * 99)])


def test_non_finite_operands_surface() -> None:
    for bad in NON_FINITE:
        builder, a, b = matrices(3, 3, 70)
        builder.dot((3, 3), (70,), a.view((70, 0), (1,)), b.view((0, 70), (1,)), "")
        left, right = np.ones(210, np.float32), np.zeros(210, np.float32)
        left[75] = bad
        _, finite = check(builder, [left, right])
        assert not finite


def test_overflow_surfaces() -> None:
    builder, a, _ = matrices(1, 1, 3)
    builder.sum((1,), (3,), a.view((3,), (1,)), "")
    _, finite = check(builder, [np.array([3e38, 3e38, -3e38], np.float32), np.zeros(3, np.float32)])
    assert not finite


def test_blk64_is_a_plain_loop_in_chunks() -> None:
    terms = values(5, 200)
    total = np.float32(0)
    with np.errstate(all="ignore"):
        for at in range(0, 200, 64):
            chunk = np.float32(0)
            for term in terms[at : at + 64]:
                chunk = np.float32(chunk + term)
            total = np.float32(total + chunk)
        assert blk64(terms).view(np.uint32) == total.view(np.uint32)
        assert blk64([]) == 0


def test_zero_terms_change_nothing() -> None:
    """Zero padding equals skipping, whatever the sign of the zeros, as long as chunks keep their places."""
    terms = values(6, 64)
    for zero in (np.float32(0.0), np.float32(-0.0)):
        padded = np.full(128, zero, np.float32)
        padded[::2] = terms
        halves = [blk64(terms[:32]), blk64(terms[32:])]
        assert blk64(padded).view(np.uint32) == np.float32(halves[0] + halves[1]).view(np.uint32)


def gathered(place: list[Place], shape: tuple[int, ...]) -> Floats:
    builder = Builder([(3, 4, 5)], [])
    source = builder.state[0]
    places = [(p, n, s) for p, n, s in zip(place, source.shape, source.strides, strict=True)]
    builder.gather(source, shape, places, "")
    out, _ = check(builder, [np.arange(1, 61, dtype=np.float32)])
    return out.reshape(shape)


def test_gather_pads_with_positive_zero() -> None:
    out = gathered([Place({0: 1}), Place({1: 1}, -1), Place({2: 1}, -2)], (3, 6, 9))
    expected = np.pad(np.arange(1, 61, dtype=np.float32).reshape(3, 4, 5), ((0, 0), (1, 1), (2, 2)))
    assert out.tobytes() == expected.tobytes()


def test_gather_transposes_flips_dilates_and_takes_taps() -> None:
    source = np.arange(1, 61, dtype=np.float32).reshape(3, 4, 5)
    flipped = gathered([Place({2: 1}), Place({1: -1}, 3), Place({0: 1})], (5, 4, 3))
    assert (flipped == source[:, ::-1].transpose(2, 1, 0)).all()
    dilated = gathered([Place({0: 1}), Place({1: 1}, -1, 2), Place({2: 1})], (3, 9, 5))
    assert (dilated[:, 1::2] == source).all()
    assert not dilated[:, ::2].any()
    taps = gathered([Place({2: 1}), Place({0: 1, 3: 2}, -1), Place({1: 1, 4: 1}, -1)], (3, 3, 3, 2, 5))
    padded = np.pad(source, ((0, 0), (1, 1), (1, 1)))
    for ky in range(3):
        for kx in range(3):
            assert (taps[ky, kx] == padded[:, ky : ky + 4 : 2, kx : kx + 5]).all()


def test_gather_reads_a_diagonal_and_repeats() -> None:
    source = np.arange(1, 61, dtype=np.float32).reshape(3, 4, 5)
    out = gathered([Place({0: 1}), Place({0: 1}), Place({}, 2)], (3, 2))
    assert (out == source[range(3), range(3), 2][:, None]).all()


X, Y, Z = operand(0), operand(1), operand(2)
EXPRESSIONS = [
    X + Y,
    X - Y,
    X * Y,
    X / Y,
    square_root(X),
    relu(X),
    relu(X * Y + Z),
    exp(X),
    greater(X, Y) + equal(X, Y),
    select(greater(X, Y), X, constant(0.0)),
    select(greater(X, Y), X, constant(-0.0)),
    select(X, Y, Z),
    select(equal(X, Y), constant(3.0), Z),
    select(equal(X, coordinate(0) * constant(3.0) + coordinate(1)), Y, constant(0.0)),
    X,
    greater(X, Y),
    (X - Y) * ((X - Z) * (Y - Z)) / (X + constant(0.1)),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda e: e.code.hex())
def test_maps_equal_reference(expression: Expression) -> None:
    extra = np.concatenate([TRAPS, NON_FINITE])
    builder = Builder([(20, 30), (30,)], [(20, 30)])
    (x, y), (z,) = builder.state, builder.batch
    builder.map((20, 30), expression, x.whole(), y.across([1], 2), z.whole(), label="")
    first, third = values(1, 600, extra), values(2, 600, extra)
    second = values(3, 30, extra)
    first[: 2 * 30] = np.tile(second, 2)  # exact ties
    check(builder, [first, second, third])


def test_relu_of_minus_zero_is_plus_zero_and_of_nan_is_nan() -> None:
    builder = Builder([(4,)], [])
    builder.map((4,), relu(X), builder.state[0].whole(), label="")
    out, finite = check(builder, [np.array([-0.0, np.nan, -1.0, 2.0], np.float32)])
    assert out[0].view(np.uint32) == 0
    assert np.isnan(out[1])
    assert not finite


def test_exponential_is_close_and_clamped() -> None:
    x = np.linspace(-87, 88, 20001).astype(np.float32)
    exact = np.exp(x.astype(np.float64))
    assert np.abs(exponential(x) / exact - 1).max() < 3e-7
    assert exponential(np.array([0.0], np.float32))[0] == 1
    low, high, nan = exponential(np.array([-np.inf, np.inf, np.nan], np.float32))
    assert low == exponential(np.array([-87], np.float32))[0]
    assert high == exponential(np.array([88], np.float32))[0]
    assert np.isnan(nan)


def test_max_takes_the_first_of_equals_and_ignores_later_nan() -> None:
    rows = np.array([[1, 3, 3, 2], [-0.0, 0.0, -1, -2], [np.nan, 9, 1, 2], [1, np.nan, 2, 0]], np.float32)
    for place in (False, True):
        builder = Builder([(4, 4)], [])
        view = builder.state[0].view((4,), (1,))
        _ = builder.argmax((4,), (4,), view, "") if place else builder.max((4,), (4,), view, "")
        out, _ = check(builder, [rows.reshape(-1)])
        expected = [1, 0, 0, 2] if place else [3, -0.0, np.nan, 2]
        assert same(out, np.array(expected, np.float32))


def test_a_map_takes_at_most_six_operands() -> None:
    builder = Builder([(4,)], [])
    with pytest.raises(ValueError, match="at most 6"):
        builder.map((4,), X, *[builder.state[0].whole()] * 7, label="")


def test_tails_of_all_reductions_equal_reference() -> None:
    """Matrix products both ways round, rows, sums and maxima, each with a tail over broadcast operands."""
    rows, columns, terms = 37, 20, 130
    for emit in range(5):
        builder, a, b = matrices(rows, columns, terms)
        per_row, per_column = a.view((terms, 0)), b.view((0, terms))
        tail = Tail(relu(X * Y + Z), (per_row, per_column))
        row_tail = Tail(select(greater(X, Y), X / Y, constant(2.0)), (a.view((terms,), offset=3),))
        match emit:
            case 0:
                builder.dot((rows, columns), (terms,), a.view((terms, 0), (1,)), b.view((0, terms), (1,)), "", tail)
            case 1:  # the operands the other way round
                builder.dot((rows, columns), (terms,), b.view((0, terms), (1,)), a.view((terms, 0), (1,)), "", tail)
            case 2:
                builder.dot((columns,), (terms,), a.view((terms,), (1,)), b.view((terms,), (1,)), "", row_tail)
            case 3:
                builder.sum((rows,), (terms,), a.view((terms,), (1,)), "", row_tail)
            case 4:
                builder.argmax((rows,), (terms,), a.view((terms,), (1,)), "", row_tail)
        check(builder, [values(emit, rows * terms), values(emit + 9, columns * terms)])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.02, 0.5]), st.integers(-140, 120))
def test_any_bits_surface_or_agree(seed: int, wild: float, exponent: int) -> None:
    """Random bit patterns, subnormals, huge and tiny scales, NaN and infinities, through every kind of operation.

    Kernels and reference agree on every element, and the program says that all is finite exactly if it is.
    """
    rng = np.random.default_rng(seed)
    numbers = (rng.standard_normal(2 * 18 * 70) * 2.0**exponent).astype(np.float32)
    patterns = rng.integers(0, 2**32, numbers.size, dtype=np.uint32).view(np.float32)
    numbers = np.where(rng.random(numbers.size) < wild, patterns, numbers).astype(np.float32)
    builder, a, b = matrices(18, 18, 70)
    rows, columns = a.view((70, 0), (1,)), b.view((0, 70), (1,))
    product = builder.dot((18, 18), (70,), rows, columns, "", Tail(X + Y, (a.view((70, 1)),)))
    builder.dot((18,), (70,), a.view((70,), (1,)), b.view((70,), (1,)), "")
    builder.sum((18,), (70,), a.view((70,), (1,)), "")
    builder.map((18, 18), relu(X) - exp(Y) * square_root(X * X), product.whole(), a.view((70, 1)), label="")
    program = builder.program(0)
    workspace = Workspace(program)
    workspace.state[:] = numbers[: 18 * 70]
    workspace.tensors[1][...] = numbers[18 * 70 :].reshape(18, 70)
    finite = workspace.run()
    flat = [t.reshape(-1) for t in workspace.tensors]
    assert finite == all(np.isfinite(t).all() for t in flat[program.first :])
    for number in range(program.first, len(flat)):
        which = rng.integers(0, flat[number].size, 12)
        expected = [reference(program, number, int(i), lambda t, e: np.float32(flat[t][e])).value for i in which]
        assert same(flat[number][which], np.array(expected, np.float32))


def test_the_reference_says_what_it_read() -> None:
    builder, a, b = matrices(3, 2, 4)
    tail = Tail(X + Y, (a.view((4, 0), offset=1),))
    builder.dot((3, 2), (2,), a.view((4, 0), (1,)), b.view((0, 4), (1,)), "", tail)
    program = builder.program(0)
    found = reference(program, 2, 5, lambda tensor, element: np.float32(10 * tensor + element))
    assert set(found.reads) == {(0, 8), (0, 9), (1, 4), (1, 5)}
    assert found.value == 8 * 14 + 9 * 15 + 9
    with pytest.raises(ValueError, match="input"):
        reference(program, 1, 0, lambda tensor, element: np.float32(0))
    with pytest.raises(ValueError, match="no element 6"):
        reference(program, 2, 6, lambda tensor, element: np.float32(0))


def test_an_expression_too_large_for_the_registers_is_refused() -> None:
    builder = Builder([(4,)], [])
    value = constant(0.0)
    for i in range(1, 40):
        value = constant(float(i)) + value
    builder.map((4,), value, label="sum of many")
    with pytest.raises(ValueError, match="registers"):
        Workspace(builder.program(0))


def test_extents_of_zero_are_refused() -> None:
    """A maximum of nothing has no value, and a kernel would read what is not there."""
    builder, a, b = matrices(3, 3, 4)
    with pytest.raises(ValueError, match="at least 1"):
        builder.max((3,), (0,), a.view((4,), (1,)), "")
    with pytest.raises(ValueError, match="at least 1"):
        builder.dot((3, 0), (4,), a.view((4, 0), (1,)), b.view((0, 4), (1,)), "")


def test_inputs_are_not_computed() -> None:
    builder, a, _ = matrices(3, 3, 4)
    builder.sum((3,), (4,), a.view((4,), (1,)), "")
    with pytest.raises(ValueError, match="inputs"):
        Workspace(builder.program(0)).run(only=[0])
