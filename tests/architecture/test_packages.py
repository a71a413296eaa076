"""Every package says in its docstring what is in which of its modules."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "pol_oracle"
TESTS = Path(__file__).parents[1]
MODULES = [module for home in (ROOT, TESTS) for module in home.rglob("*.py")]
PACKAGES = sorted(ROOT.glob("*/**/__init__.py"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda init: str(init.parent.relative_to(ROOT)))
def test_package_names_its_modules(package: Path) -> None:
    said = ast.get_docstring(ast.parse(package.read_text())) or ""
    modules = {module.stem for module in package.parent.glob("*.py")} - {"__init__", "__main__"}
    modules |= {room.parent.name for room in package.parent.glob("*/__init__.py")}
    assert {module for module in modules if not re.search(rf"\b{module}\b", said)} == set()


def test_rooms_are_small() -> None:
    sizes = Counter(path.parent for path in (*MODULES, *TESTS.rglob("*.sol")))
    assert {room: size for room, size in sizes.items() if size > 14} == {}


def test_modules_are_short() -> None:
    lengths = {module: len(module.read_text("utf-8").splitlines()) for module in MODULES}
    assert {path: length for path, length in lengths.items() if length > 350} == {}


def test_tests_of_contracts_are_short() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in TESTS.rglob("*.sol")}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_a_class_name_means_one_thing() -> None:
    found = defaultdict(list)
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(path.relative_to(ROOT).as_posix())
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}
