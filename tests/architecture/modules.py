"""The package's modules, and what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "pol_oracle"
MODULES = sorted(PACKAGE.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """Returns a module's syntax."""
    return ast.parse(path.read_text("utf-8"))


def attributes(path: Path) -> Iterator[ast.Attribute]:
    """Yields all attributes that a module asks for."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute))


@cache
def imports(path: Path) -> frozenset[str]:
    """Returns the full names of all that a module imports, wherever in it, relative imports resolved."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def importers(*wanted: str) -> set[str]:
    """Returns the modules, as paths below the package, that import one of these names or something below it."""
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if any(name == w or name.startswith(w + ".") for name in imports(path) for w in wanted)
    }


def known(path: Path) -> set[Path]:
    """Returns the package's modules that a module imports from, also where a package passes a name on, or defines it of
    its own modules."""
    homes = {home for name in imports(path) if (home := _home(name)) is not None}
    return homes.union(*(known(home) for home in homes if home.name == "__init__.py"))


def _home(name: str) -> Path | None:
    """The module that a full name comes from; None if that is not the package's."""
    path = ROOT.joinpath(*name.split("."))
    if (module := path.with_suffix(".py")).is_file():
        return module
    if (package := path / "__init__.py").is_file():
        return package
    above, _, last = name.rpartition(".")
    home = _home(above) if above else None
    if home is None or home.name != "__init__.py":
        return home
    passed_on = (full for full in imports(home) if full.rpartition(".")[2] == last)
    return next((_home(full) for full in passed_on), home)
