"""An agent must not sign what other kernels, or a processor in another mode, have computed."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from pol_oracle.canonical import selftest
from pol_oracle.canonical.execution import execute, machine
from pol_oracle.canonical.execution.machine import MapArguments
from pol_oracle.canonical.expressions import ARITY
from pol_oracle.canonical.kernels.elementwise import BLOCK, PERIODIC
from pol_oracle.canonical.kernels.instructions import COPY
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


def test_self_test_runs_every_kernel_in_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a kernel of another version could pass. (28 changes to the kernels were made by hand; all show.)"""
    codes: set[int] = set()
    courses: set[tuple[int, bool]] = set()
    ways: set[tuple[str, object]] = set()

    def noted(name: str, way: int) -> None:
        kernel = getattr(execute, name)

        def run(*arguments: Any) -> Any:
            ways.add((name, arguments[way]))
            return kernel(*arguments)

        monkeypatch.setattr(execute, name, run)

    def compile_code(*arguments: Any) -> MapArguments:
        recipe = compile_recipe(*arguments)
        codes.update(recipe.instructions[:, 0].tolist())
        courses.update((course, BLOCK % recipe.inner == 0) for course in recipe.loads[:, 2].tolist())
        return recipe

    compile_recipe = machine.compile_code
    monkeypatch.setattr(execute, "compile_code", compile_code)
    for name, way in (("product", 9), ("reduce_rows", 7), ("greatest", 5)):  # transposed; is_dot; place
        noted(name, way)
    selftest._workspace.cache_clear()
    selftest._stepper.cache_clear()
    try:
        selftest.self_test()
    finally:
        selftest._workspace.cache_clear()
        selftest._stepper.cache_clear()

    assert codes >= {COPY, *ARITY}
    assert courses >= {(course, True) for course in range(4)} | {(PERIODIC, False)}
    assert ways == {(name, way) for name in ("product", "reduce_rows", "greatest") for way in (False, True)}
