"""States: bytes, torch's layout, initial weights, self-test."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from pol_oracle.canonical import selftest
from pol_oracle.canonical.evaluate import Evaluator
from pol_oracle.canonical.initial import splitmix64
from pol_oracle.canonical.models import MODEL_NAMES, build_model
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import ArithmeticFault, CorruptState, InputError, NotFinite

MODEL = build_model("cnn")


def test_bytes_round_trip_and_are_big_endian() -> None:
    state = State.initial(MODEL, 1)
    data = state.to_bytes()
    assert len(data) == MODEL.state_bytes == 4 * MODEL.elements
    assert data[:4] == state["conv1.weight"].reshape(-1)[:1].astype(">f4").tobytes()
    back = State.from_bytes(MODEL, data)
    assert back == state
    assert back.root == state.root
    assert hash(back) == hash(state)


def test_bytes_of_another_length_are_refused() -> None:
    data = State.initial(MODEL, 1).to_bytes()
    for bad in (data[:-1], data + b"\0", b""):
        with pytest.raises(CorruptState):
            State.from_bytes(MODEL, bad)


def test_pitfall_05_values_that_are_not_finite_show() -> None:
    data = State.initial(MODEL, 1).to_bytes()
    assert State.from_bytes(MODEL, data).finite
    for bad in (b"\x7f\xc0\x00\x00" + data[4:], data[:-4] + b"\xff\x80\x00\x00"):
        assert not State.from_bytes(MODEL, bad).finite


def test_a_state_is_an_immutable_mapping() -> None:
    state = State.initial(MODEL, 1)
    assert list(state) == [w.name for w in MODEL.state]
    assert len(state) == 17
    with pytest.raises(ValueError, match="read-only"):
        state["fc.bias"][0] = 1
    for weight, tensor in zip(MODEL.state, state.tensors, strict=True):
        assert tensor.shape == weight.shape
        assert tensor.dtype == np.float32
        assert tensor.flags.c_contiguous
    with pytest.raises(InputError):
        State(MODEL, np.zeros(3, np.float32))


def test_zeros_of_both_signs_are_different_states() -> None:
    flat = np.zeros(MODEL.elements, np.float32)
    assert State(MODEL, flat.copy()) != State(MODEL, -flat)
    assert State(MODEL, flat) != "a state"


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_torch_layout_round_trips(name: str) -> None:
    model = build_model(name)
    state = State.initial(model, 2)
    torch_like = state.to_torch()
    first = model.geometries[0].weight
    assert torch_like[first].shape[1] == 3
    assert torch_like[first][2, 1, 0, 2] == state[first][2, 0, 2, 1]
    assert not any("num_batches_tracked" in key for key in torch_like)
    assert State.from_torch(model, {**torch_like, "bn1.num_batches_tracked": 3}) == state


def test_wrong_torch_weights_are_refused() -> None:
    mapping = State.initial(MODEL, 2).to_torch()
    with pytest.raises(InputError, match="lack"):
        State.from_torch(MODEL, {k: v for k, v in mapping.items() if k != "fc.bias"})
    with pytest.raises(InputError, match="shape"):
        State.from_torch(MODEL, {**mapping, "fc.bias": np.zeros(9)})


def test_splitmix64_has_its_published_outputs() -> None:
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert splitmix64(1234567, np.arange(1, 5, dtype=np.uint64)).tolist() == expected


def test_initial_weights_have_their_scale_and_depend_on_the_seed() -> None:
    one, two = State.initial(MODEL, 1), State.initial(MODEL, 2)
    assert one.root != two.root
    assert one.root == State.initial(MODEL, 1).root
    kernel = one["conv3.weight"]
    assert abs(kernel.std() / np.sqrt(2 / 288) - 1) < 0.02
    assert abs(kernel.mean()) < 0.002
    assert (one["bn1.weight"] == 1).all()
    assert (one["bn1.running_var"] == 1).all()
    assert not one["fc.bias"].any()
    assert len(np.unique(kernel)) > 0.99 * kernel.size


def test_the_self_test_passes_here() -> None:
    selftest.self_test()


def test_pitfall_07_a_machine_with_other_answers_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(selftest.EXPECTED, "step", "0" * 16)
    with pytest.raises(ArithmeticFault, match="step"):
        selftest.self_test()


def test_pitfall_07_a_process_that_flushes_subnormals_is_told_so() -> None:
    """torch can switch the processor to flush subnormals; the self-test, which does not import torch, must notice."""
    code = """
import sys
from pol_oracle.canonical.selftest import self_test
from pol_oracle.protocol.errors import ArithmeticFault

self_test()
if "torch" in sys.modules:
    raise SystemExit("torch was imported")
import torch

torch.set_flush_denormal(True)
try:
    self_test()
except ArithmeticFault as fault:
    raise SystemExit(7 if "subnormal" in str(fault) else 1)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=100).returncode == 7


def test_an_evaluation_that_is_not_finite_names_its_first_sample() -> None:
    """A block with such a state is wrong, so no miner may count it and no verifier may take it."""
    flat = State.initial(MODEL, 1).flat.copy()
    flat[:27] = 1e38  # all taps of a channel: their sum overflows where the image is bright enough
    images, labels = np.full((20, 32, 32, 3), 121, np.uint8), np.zeros(20, np.uint8)
    images[7] = 255
    with pytest.raises(NotFinite) as found:
        Evaluator(MODEL).correct(State(MODEL, flat), images, labels)
    assert found.value.sample == 7
