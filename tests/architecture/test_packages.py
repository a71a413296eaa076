"""Every package says in its docstring what is in which of its modules."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGES = sorted((Path(__file__).parents[2] / "pol_oracle").glob("*/__init__.py"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda init: init.parent.name)
def test_package_names_its_modules(package: Path) -> None:
    said = ast.get_docstring(ast.parse(package.read_text())) or ""
    modules = {module.stem for module in package.parent.glob("*.py")} - {"__init__", "__main__"}
    assert {module for module in modules if not re.search(rf"\b{module}\b", said)} == set()
