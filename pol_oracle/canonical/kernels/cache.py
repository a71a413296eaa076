"""Machine code on disk, found by everything that it was made from.

numba's own cache looks at the source file of a function and no other: after an update, or a way back, kernels of
another version would run. Here a name is a hash of all sources that kernels are made from, of the compiler's versions
and of the processor. An entry that a crash cut short is as good as none.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import pickle
import stat
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, cast

import llvmlite.binding
import numba
import numpy as np
from numba.core import compiler as _compiler
from numba.core import serialize as _serialize
from numba.core.runtime.nrt import rtsys as _runtime
from numba.misc import appdirs as _appdirs

_UNTYPED = (_compiler, _serialize, _runtime, _appdirs)
compiler, serialize, runtime, appdirs = (cast(Any, module) for module in _UNTYPED)
_HERE = Path(__file__).parent
_SOURCES = (_HERE.parent, _HERE.parents[1] / "protocol")  # constants of these are compiled in
_DIGEST = 32  # bytes, before the code
_KEPT = 8  # newest entries of a function: for other processors, and a way back


class CodeCache:
    """Keeps the machine code of one function: what numba's dispatcher asks of a cache.

    Args:
        function: what is compiled.
        options: how it is compiled, as far as its source does not say.
    """

    def __init__(self, function: Callable[..., Any], options: str) -> None:
        file = Path(inspect.getfile(function))
        self._name = f"{file.stem}.{function.__qualname__}"
        self._made_from = (options, _hash_of(file), _sources(), *_versions())

    def load_overload(self, signature: object, target: Any) -> Any:
        """Returns the code for a signature, None if there is none."""
        runtime.initialize(target)  # all else that numba prepares, for a second, is for what it compiles
        name = self._file_name(signature, target.codegen())
        for folder in folders():
            data = _read(folder / name)
            if data is not None:
                return compiler.CompileResult._rebuild(target, *pickle.loads(data))  # noqa: S301 - as trusted as the program
        return None

    def save_overload(self, signature: object, result: Any) -> None:
        """Keeps the code for a signature where that can be done."""
        if result.library.has_dynamic_globals:  # addresses of this process
            return
        data = serialize.dumps(result._reduce())
        for folder in folders():
            with suppress(OSError):
                _write(folder / self._file_name(signature, result.codegen), data)
                self._tidy(folder)
                return
        warnings.warn(
            "compiled kernels cannot be kept, so every start compiles them anew: name a folder that can be written in "
            "the environment variable NUMBA_CACHE_DIR",
            RuntimeWarning,
            stacklevel=2,
        )

    def _file_name(self, signature: object, codegen: Any) -> str:
        made_from = repr((str(signature), codegen.magic_tuple(), self._made_from))
        return f"{self._name}.{hashlib.sha256(made_from.encode()).hexdigest()[:32]}"

    def _tidy(self, folder: Path) -> None:
        """Forgets the oldest entries, and what killed processes left."""
        found = {path: path.stat().st_mtime_ns for path in folder.glob(f"{self._name}.*")}
        for path in sorted(found, key=found.__getitem__)[:-_KEPT]:
            path.unlink(missing_ok=True)


def folders() -> Iterator[Path]:
    """Yields where code may lie, the best place first."""
    if numba.config.CACHE_DIR:  # type: ignore[attr-defined]
        yield Path(numba.config.CACHE_DIR) / "pol-oracle"  # type: ignore[attr-defined]
    yield _HERE / "__pycache__"
    users = Path(appdirs.AppDirs("pol-oracle", appauthor=False).user_cache_dir)
    if users.is_absolute():  # else there is no home
        yield users
    shared = Path(tempfile.gettempdir(), f"pol-oracle-{os.getuid()}")
    with suppress(OSError):
        shared.mkdir(mode=0o700, exist_ok=True)
        found = shared.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
            yield shared  # nobody else can put code there


def _read(path: Path) -> bytes | None:
    """The code in a file; None if it is not there, or not all of it."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, data = content[:_DIGEST], content[_DIGEST:]
    return data if hashlib.sha256(data).digest() == digest else None


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        partial.write_bytes(hashlib.sha256(data).digest() + data)
        partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise


@cache
def _sources() -> str:
    files = (path for folder in _SOURCES for path in sorted(folder.rglob("*.py")))
    return hashlib.sha256("".join(map(_hash_of, files)).encode()).hexdigest()


def _hash_of(file: Path) -> str:
    return file.name + hashlib.sha256(file.read_bytes()).hexdigest()


def _versions() -> tuple[object, ...]:
    return (
        sys.version,
        numba.__version__,
        np.__version__,
        llvmlite.__version__,
        llvmlite.binding.llvm_version_info,
    )
