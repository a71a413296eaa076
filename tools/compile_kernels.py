"""Compiles every kernel, once for all processes that load them: each is compiled when its module is imported."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def kernel_modules() -> list[str]:
    """Returns the names of the modules that define kernels, the largest first: they take longest."""
    files = [file for file in (ROOT / "pol_oracle").rglob("*.py") if "\n@compiled(" in file.read_text(encoding="utf-8")]
    files.sort(key=lambda file: -file.stat().st_size)
    return [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]


def load(name: str) -> None:
    """Imports a module."""
    import_module(name)


if __name__ == "__main__":
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(load, kernel_modules()))
