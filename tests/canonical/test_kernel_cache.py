"""Compiled kernels on disk: found by everything they were made from, rebuilt when damaged, kept where possible."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pol_oracle.protocol
from pol_oracle.canonical.kernels import cache

PACKAGE = Path(pol_oracle.protocol.__file__).parents[1]
MODULE = """
from pol_oracle.canonical.kernels.jit import compiled

exec(open({constants!r}).read())

@compiled("i8(i8)")
def plus(x):
    return x + CONSTANT
"""


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of sources that stands for the package's."""
    folder = tmp_path / "sources"
    folder.mkdir()
    monkeypatch.setattr(cache, "_SOURCES", (folder,))
    monkeypatch.setattr(cache, "folders", lambda: iter([tmp_path / "kept"]))
    cache._sources.cache_clear()
    yield folder
    cache._sources.cache_clear()


@pytest.fixture
def plus(sources: Path) -> Callable[[int], Any]:
    """``plus(constant)``: the function that a process would have whose sources say that constant."""
    (sources.parent / "functions.py").write_text(MODULE.format(constants=str(sources / "constants.py")))

    def load(constant: int) -> Any:
        (sources / "constants.py").write_text(f"CONSTANT = {constant}\n")
        cache._sources.cache_clear()
        spec = importlib.util.spec_from_file_location("functions", sources.parent / "functions.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.plus

    return load


def compiled_anew(function: Any) -> bool:
    return bool(function._cache_misses)


def test_kernels_of_other_sources_never_run_neither_after_an_update_nor_after_a_way_back(
    plus: Callable[[int], Any],
) -> None:
    assert plus(1)(10) == 11
    assert plus(2)(10) == 12
    back = plus(1)
    assert back(10) == 11
    assert not compiled_anew(back)


@pytest.mark.parametrize("size", [0, 10, 1000])
def test_entry_that_was_cut_short_is_rebuilt(plus: Callable[[int], Any], tmp_path: Path, size: int) -> None:
    plus(1)
    (entry,) = (tmp_path / "kept").iterdir()
    entry.write_bytes(entry.read_bytes()[:size])

    again = plus(1)
    assert again(10) == 11
    assert compiled_anew(again)
    assert not compiled_anew(plus(1))


def test_code_is_kept_where_it_can_be(
    plus: Callable[[int], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "folders", lambda: iter([tmp_path / "file" / "no folder", tmp_path / "second"]))
    plus(1)
    assert not compiled_anew(plus(1))
    assert len(list((tmp_path / "second").iterdir())) == 1


def test_where_nothing_can_be_kept_it_is_said_and_the_code_runs(
    plus: Callable[[int], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(cache, "folders", lambda: iter([tmp_path / "file" / "no folder"]))
    with pytest.warns(RuntimeWarning, match="NUMBA_CACHE_DIR"):
        assert plus(1)(10) == 11


def test_old_entries_and_what_killed_processes_left_are_forgotten(plus: Callable[[int], Any], tmp_path: Path) -> None:
    plus(0)
    (entry,) = (tmp_path / "kept").iterdir()
    for process in range(20):
        shutil.copy(entry, f"{entry}.{process}")
    for constant in range(1, 12):
        plus(constant)
    assert len(list((tmp_path / "kept").iterdir())) <= 8
    assert not compiled_anew(plus(11))


def test_every_source_of_kernels_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))
    copies = [tmp_path / "package" / folder.relative_to(PACKAGE) for folder in cache._SOURCES]
    monkeypatch.setattr(cache, "_SOURCES", copies)
    canonical = tmp_path / "package" / "canonical"
    edited = [
        *(canonical / "kernels").glob("*.py"),
        canonical / "commitments" / "sponge.py",
        canonical / "expressions.py",
    ]
    seen = {cache._sources.__wrapped__()}
    for file in [*edited, tmp_path / "package" / "protocol" / "derivation.py"]:
        file.write_text(file.read_text() + "\n")
        seen.add(cache._sources.__wrapped__())
    assert len(seen) == len(edited) + 2


def test_processor_and_compiler_count(monkeypatch: pytest.MonkeyPatch) -> None:
    class Processor:
        """What numba says it compiles for."""

        def __init__(self, name: str) -> None:
            self.name = name

        def magic_tuple(self) -> tuple[str, str]:
            return "x86_64", self.name

    def name(processor: str) -> str:
        return cache.CodeCache(compiled_anew, "")._file_name("void()", Processor(processor))

    first = name("haswell")
    assert name("skylake") != first == name("haswell")
    monkeypatch.setattr("numba.__version__", "0.0.1")
    assert name("haswell") != first


def test_loading_what_is_kept_prepares_nothing_for_a_compilation() -> None:
    """It takes a third of an agent's start."""
    code = "import sys, pol_oracle.canonical.commitments.keccak; print('numba.np.arraymath' in sys.modules)"
    for _ in range(2):  # the first may have to compile
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
