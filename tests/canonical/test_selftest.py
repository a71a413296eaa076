"""An agent must not sign what a processor in another mode has computed, whenever that mode was set."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from pol_oracle.canonical import selftest
from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper
from pol_oracle.protocol.errors import ArithmeticFault

MODEL = build_model("cnn")
LIBM = ctypes.CDLL(None)
UPWARD = 0x800 if platform.machine() == "x86_64" else 0x400000


@pytest.fixture
def _modes_as_before() -> Iterator[None]:
    yield
    torch.set_flush_denormal(False)
    LIBM.fesetround(0)


@pytest.mark.usefixtures("_modes_as_before")
@pytest.mark.parametrize("change", [lambda: torch.set_flush_denormal(True), lambda: LIBM.fesetround(UPWARD)])
@pytest.mark.parametrize("threads", [1, 2])
def test_pitfall_07_modes_that_a_library_changes_after_the_self_test_are_noticed_by_the_next_run(
    change: Callable[[], object], threads: int
) -> None:
    selftest.self_test()
    stepper = Stepper(MODEL, 2, 0x3D4CCCCD, threads)
    state, images, labels = State.initial(MODEL, 1), np.zeros((2, 32, 32, 3), np.uint8), np.zeros(2, np.uint8)
    stepper.run(state, images, labels)
    if threads == 1:
        change()
    else:  # in a helper alone
        stepper._team.run(lambda part, _: part == 0 or change() is not None)
    with pytest.raises(ArithmeticFault, match="some library"):
        stepper.run(state, images, labels)
