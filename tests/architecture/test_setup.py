"""The set-up: what the Makefile would run, in which order, and how it finds its tools."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import halmos_osaka, install_packages

ROOT = Path(__file__).resolve().parents[2]
FIND_PYTHON = ROOT / "tools" / "find-python"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that the set-up reads, in a folder with a space in its name, nothing set up."""
    folder = tmp_path / "my check out"
    folder.mkdir()
    for name in ("Makefile", "pyproject.toml", "package.json", "package-lock.json"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "tools", folder / "tools")
    return folder


def dry_run(folder: Path, target: str) -> list[str]:
    outside = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}
    command = ["make", "--dry-run", target]
    done = subprocess.run(command, cwd=folder, env=outside, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_ci_runs_make_test() -> None:
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert "exec make test" in run.read_text()


def test_everything_is_checked_and_pytest_comes_last(checkout: Path) -> None:
    lines = "\n".join(dry_run(checkout, "test"))
    order = ["install_packages", "import_all", "npm ci", "forge) test", "ruff check", "ruff format --check", "bin/mypy"]
    order += ["fmt --check", "lint-imports", "artifacts", "ape test", "ape run deploy", "compile_kernels", "-m pytest"]
    places = [lines.find(step) for step in order]
    assert -1 not in places
    assert places == sorted(places)
    assert lines.splitlines()[-1].startswith(".venv/bin/python -m pytest ")
    assert " -m " not in lines.splitlines()[-1].partition("pytest")[2]  # it leaves no test out


def side_by_side(folder: Path, *commands: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "tools" / "side-by-side", *commands], cwd=folder, capture_output=True, text=True, check=False
    )


def test_side_by_side_prints_in_order_and_fails_if_one_fails(tmp_path: Path) -> None:
    good = side_by_side(tmp_path, "until [ -e second ]; do sleep 0.01; done; echo one", "touch second; echo two")
    assert (good.returncode, good.stdout, good.stderr) == (0, "one\ntwo\n", "")
    bad = side_by_side(tmp_path, "echo one; exit 3", "echo two")
    assert (bad.returncode, bad.stdout, bad.stderr) == (3, "one\ntwo\n", "failed (3): echo one; exit 3\n")
    assert side_by_side(tmp_path, "true", "false | true").returncode == 1
    assert list((tmp_path / ".build").iterdir()) == []


def test_check_leaves_out_nothing_but_slow_tests(checkout: Path) -> None:
    lines = "\n".join(dry_run(checkout, "check"))
    for step in ("ruff check", "ruff format --check", "mypy", "fmt --check", "lint-imports"):
        assert step in lines
    assert lines.endswith("-m 'not slow'")


def test_a_second_set_up_installs_nothing(checkout: Path) -> None:
    stamps = re.findall(r"touch (\S+)", "\n".join(dry_run(checkout, "setup")))
    assert len(stamps) == 2
    for stamp in stamps:
        (checkout / stamp).parent.mkdir()
        (checkout / stamp).touch()
    assert "install_packages" not in "\n".join(dry_run(checkout, "setup"))
    assert "npm ci" not in "\n".join(dry_run(checkout, "setup"))


@pytest.mark.parametrize(
    ("file", "old", "new", "again"),
    [
        ("pyproject.toml", "fsspec>=", "fsspec>", "install_packages"),
        ("package-lock.json", "0.8.37", "0.8.36", "npm ci"),
        ("pyproject.toml", "line-length = 120", "line-length = 100", None),
    ],
)
def test_it_installs_again_what_has_changed(checkout: Path, file: str, old: str, new: str, again: str | None) -> None:
    for stamp in re.findall(r"touch (\S+)", "\n".join(dry_run(checkout, "setup"))):
        (checkout / stamp).parent.mkdir()
        (checkout / stamp).touch()
    text = (checkout / file).read_text()
    assert old in text
    (checkout / file).write_text(text.replace(old, new))
    lines = "\n".join(dry_run(checkout, "setup"))
    assert [step for step in ("install_packages", "npm ci") if step in lines] == ([again] if again else [])


def test_a_moved_checkout_is_set_up_again(checkout: Path) -> None:
    for stamp in re.findall(r"touch (\S+)", "\n".join(dry_run(checkout, "setup"))):
        (checkout / stamp).parent.mkdir()
        (checkout / stamp).touch()
    moved = checkout.rename(checkout.with_name("elsewhere"))
    assert "install_packages" in "\n".join(dry_run(moved, "setup"))


def test_packages_are_looked_for_where_pip_looks_for_them() -> None:
    """The environment says more than a file; a file may name several places, a line each."""
    told = [":env:.find-links='/mine'", "global.extra-index-url='\\nhttps://a/simple\\nhttps://b/simple'"]
    told += ["global.find-links='/yours'", "install.constraint='/limits.txt'", "global.timeout='60'"]
    places = ["--extra-index-url=https://a/simple", "--extra-index-url=https://b/simple", "--find-links=/mine"]
    command = install_packages.by_uv(install_packages.settings(told))
    assert command[-4:] == [*places, "--constraint=/limits.txt"]
    assert sys.executable in command


@pytest.mark.parametrize("lacks", ["install uv", "uv pip"])
def test_pip_installs_what_uv_does_not(lacks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def run(command: list[str], **_: str) -> bool:
        commands.append(" ".join(command).replace("--quiet ", ""))
        return lacks not in commands[-1]

    monkeypatch.setattr(install_packages, "run", run)
    assert install_packages.install({})
    assert commands[-1].startswith(f"{sys.executable} -m pip install ")
    assert commands[-1].endswith("--editable .[dev]")


def test_set_up_leaves_bytecode_even_where_none_is_to_be_written(tmp_path: Path) -> None:
    """Else each of the commands, for which that stays so, would compile all that it imports."""
    package = tmp_path / "pol_oracle"
    for folder in (package, package / "inner"):
        folder.mkdir()
        (folder / "__init__.py").write_text('"""Nothing."""')
    (package / "inner" / "module.py").write_text("value = 1")
    (package / "__main__.py").write_text("raise SystemExit('it was run')")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, ROOT / "tools" / "import_all.py"], env=environment, check=True)
    made = sorted(str(file.relative_to(package)).partition(".")[0] for file in package.rglob("*.pyc"))
    assert made == ["__pycache__/__init__", "inner/__pycache__/__init__", "inner/__pycache__/module"]


def test_halmos_is_taught_an_instruction_once_and_only_where_it_is_known() -> None:
    interpreter = f"before\n{halmos_osaka.BEFORE}after\n"
    taught = halmos_osaka.taught(interpreter)
    assert taught == f"before\n{halmos_osaka.CLZ}{halmos_osaka.BEFORE}after\n"
    assert halmos_osaka.taught(taught) == taught
    with pytest.raises(SystemExit, match=r"halmos 0\.3\.3"):
        halmos_osaka.taught("another version")


def test_find_python_takes_the_one_that_is_named() -> None:
    environment = os.environ | {"PYTHON": sys.executable}
    done = subprocess.run([str(FIND_PYTHON)], env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == Path(sys.executable)


def test_find_python_says_what_is_needed(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(["/bin/sh", str(FIND_PYTHON)], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Python 3.11 or 3.12" in done.stderr


def test_ape_finds_compiler_and_anvil_however_it_is_started(tmp_path: Path) -> None:
    """Without make, without an activated environment."""
    code = "import os, shutil; print(os.environ['SOLCX_BINARY_PATH']); print(shutil.which('anvil'))"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    solcx, anvil = done.stdout.splitlines()
    assert Path(solcx).is_dir()
    assert Path(anvil).exists()
