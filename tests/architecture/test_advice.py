"""Commands that the package advises exist, and are made so that they act where the one that says so acts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.modules import MODULES, PACKAGE, tree
from tests.architecture.test_commands_on_pages import fault

HELP = ("help", "epilog")  # stand on the manual page, too: they say what there is, and not what to do next


def sentences(node: ast.AST) -> Iterator[str]:
    """Yields the texts of a module, but for docstrings and help."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value
        told = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if not told and not (isinstance(child, ast.keyword) and child.arg in HELP):
            yield from sentences(child)


def advised(path: Path) -> Iterator[str]:
    """Yields what a module gives to `advice.pol`, with X for what is not known before."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "pol":
            words = node.args[0]
            parts = words.values if isinstance(words, ast.JoinedStr) else [words]
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in parts)


ADVISING = [path for path in MODULES if "from pol_oracle.advice import pol" in path.read_text("utf-8")]


@pytest.mark.parametrize("path", ADVISING, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_commands_that_are_advised_exist(path: Path) -> None:
    assert {line: said for line in advised(path) if (said := fault(line)) is not None} == {}


def test_they_are_found() -> None:
    assert len({line for path in ADVISING for line in advised(path)}) > 15


def test_none_is_advised_in_another_way() -> None:
    written = {path.name for path in MODULES for text in sentences(tree(path)) if "`pol " in text}

    assert written <= {"schema.py"}  # in a comment of its SQL
