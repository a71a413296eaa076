"""The one way a function is compiled: exact arithmetic, kept on disk, without the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, TypeVar, cast

import numba

from .cache import CodeCache

F = TypeVar("F", bound=Callable[..., Any])

_POOL = Lock()


def compiled(signature: Any, *, parallel: bool = False) -> Callable[[F], F]:
    """Returns a decorator that compiles a function for one signature, at import.

    ``fastmath=False`` keeps LLVM from fusing or reordering float operations. The machine code is kept on disk (see
    :mod:`.cache`), so only a machine's first process compiles.

    Args:
        signature: numba signature, such as ``"void(f4[::1], i8)"``, or one made of ``numba.types``.
        parallel: run the rounds of ``numba.prange`` side by side, in threads of OpenMP where numba finds it. Those spin
            for a while, as torch's do: between torch's operations they are there at once, where a thread that sleeps
            waits for its core. The canonical arithmetic has its own: see :mod:`..threads`.
    """

    def compile_it(function: F) -> F:
        decorator = numba.njit(parallel=parallel, nogil=True, fastmath=False, boundscheck=False, error_model="numpy")
        dispatcher: Any = decorator(function)
        dispatcher._cache = CodeCache(function, f"{parallel=}")
        dispatcher.compile(signature)
        dispatcher.disable_compile()
        return cast(F, _one_caller_at_a_time(dispatcher) if parallel else dispatcher)

    return compile_it


def _one_caller_at_a_time(run: Callable[..., Any]) -> Callable[..., Any]:
    """Numba's own pool, which stands in where there is no OpenMP, ends the process when two threads enter it."""

    @wraps(run)
    def enter(*arguments: Any) -> Any:
        with _POOL:
            return run(*arguments)

    return enter
