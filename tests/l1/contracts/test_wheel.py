"""The wheel, installed alone: contracts inside, command line working. Its dependencies are this environment's."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from pol_oracle.l1.contracts.artifacts import CHECKOUT, CONTRACTS_JSON, compile_contracts
from pol_oracle.l1.contracts.deployment import ORDER


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the checkout as it is."""
    compile_contracts()
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Interpreter of a fresh environment with the wheel in it, far from the checkout."""
    folder = tmp_path_factory.mktemp("a user") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    found = folder / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.run([str(found), "-c", ask], check=True, capture_output=True, text=True).stdout.strip())
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return found


def run(python: Path, *arguments: str) -> str:
    done = subprocess.run([str(python), *arguments], cwd=python.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_holds_the_contracts(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        packed = json.loads(archive.read("pol_oracle/l1/contracts/build/contracts.json"))
    assert packed == json.loads(CONTRACTS_JSON.read_text())
    assert all(name.startswith(("pol_oracle/", "pol_oracle-")) for name in names)
    assert not [name for name in names if "__pycache__" in name]


def test_contracts_load_from_the_wheel(python: Path) -> None:
    code = (
        "import json, pol_oracle; from pol_oracle.l1.contracts.artifacts import load_artifact;"
        f"sizes = [len(load_artifact(name).bytecode) for name in {ORDER!r}];"
        "print(json.dumps([pol_oracle.__file__, sizes]))"
    )
    file, sizes = json.loads(run(python, "-c", code))
    assert python.parent.parent in Path(file).parents
    assert min(sizes) > 2


def test_command_line_of_the_wheel(python: Path) -> None:
    assert "Usage" in run(python, "-m", "pol_oracle.cli", "--help")
