"""Compiled contracts: complete, made from the sources as they are, and by the same settings everywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from pol_oracle.l1.contracts import artifacts
from pol_oracle.l1.contracts.artifacts import (
    CHECKOUT,
    SETTINGS,
    SOLC_VERSION,
    compile_contracts,
    ensure_solc,
    load_artifact,
)
from pol_oracle.l1.contracts.deployment import ORDER
from pol_oracle.protocol.errors import InputError

SOLC = CHECKOUT / "tools" / "solc"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tiny checkout, in a folder with a space and a comma in its name."""
    made = tmp_path / "check, out"
    (made / "contracts").mkdir(parents=True)
    for name in ("tools", "node_modules"):
        (made / name).symlink_to(CHECKOUT / name)
    shutil.copy(CHECKOUT / "package-lock.json", made)
    shutil.copytree(CHECKOUT / ".build" / "solcx", made / ".build" / "solcx", symlinks=True)
    write(made, "return 1;")
    return made


def write(root: Path, body: str) -> None:
    source = f"pragma solidity {SOLC_VERSION}; contract A {{ function f() external pure returns (uint) {{ {body} }} }}"
    (root / "contracts" / "A.sol").write_text(source)


@pytest.mark.parametrize("name", ORDER)
def test_every_contract_has_bytecode(name: str) -> None:
    artifact = load_artifact(name)
    assert artifact.name == name
    assert artifact.bytecode.startswith("0x6")
    assert any(entry["type"] == "constructor" for entry in artifact.abi)


def test_interfaces_have_none() -> None:
    assert load_artifact("ICourt").bytecode == "0x"
    assert load_artifact("ICourt").abi


def test_unknown_contract() -> None:
    with pytest.raises(InputError, match="'Nonesuch'"):
        load_artifact("Nonesuch")


def test_not_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "CONTRACTS_JSON", tmp_path / "contracts.json")
    artifacts._contracts.cache_clear()
    try:
        with pytest.raises(InputError, match="make setup"):
            load_artifact("Court")
    finally:
        artifacts._contracts.cache_clear()


def test_compiles_only_what_has_changed(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "contracts.json"
    assert compile_contracts(root, target)
    first = target.read_bytes()
    assert not compile_contracts(root, target)
    write(root, "return 2;")
    assert compile_contracts(root, target)
    assert target.read_bytes() != first
    write(root, "return 1;")
    assert compile_contracts(root, target)
    assert target.read_bytes() == first
    assert [p.name for p in target.parent.iterdir()] == [target.name]


def test_a_damaged_file_is_made_again(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "contracts.json"
    target.write_text("{")
    assert compile_contracts(root, target)
    assert "A" in json.loads(target.read_text())["contracts"]


def test_compiler_errors_are_told(root: Path, tmp_path: Path) -> None:
    write(root, "return nothing;")
    with pytest.raises(InputError, match="Undeclared identifier"):
        compile_contracts(root, tmp_path / "contracts.json")
    assert not (tmp_path / "contracts.json").exists()


def test_nothing_to_compile(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no contracts"):
        compile_contracts(tmp_path, tmp_path / "contracts.json")


def test_download_fails_and_npm_takes_over(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(root / ".build")
    monkeypatch.setattr(artifacts, "_download", lambda folder: "no network")
    binary = ensure_solc(root)
    assert binary.resolve() == SOLC
    assert ensure_solc(root) == binary


def test_a_link_into_a_vanished_checkout_is_replaced(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "_download", lambda folder: "no network")
    binary = root / ".build" / "solcx" / f"solc-v{SOLC_VERSION}"
    binary.unlink()
    binary.symlink_to(root / "gone")
    assert ensure_solc(root).resolve() == SOLC


def test_no_compiler_at_all(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(root / ".build")
    (root / "node_modules").unlink()
    monkeypatch.setattr(artifacts, "_download", lambda folder: "no network")
    with pytest.raises(InputError, match="npm ci"):
        ensure_solc(root)


def test_a_download_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "_INSTALL", "import time; time.sleep(60)")
    monkeypatch.setattr(artifacts, "DOWNLOAD_LIMIT_S", 0.1)
    assert "no download within" in str(artifacts._download(tmp_path))


def test_the_same_settings_everywhere() -> None:
    foundry = tomllib.loads((CHECKOUT / "foundry.toml").read_text())["profile"]["default"]
    ape = yaml.safe_load((CHECKOUT / "ape-config.yaml").read_text())["solidity"]
    package = json.loads((CHECKOUT / "package.json").read_text())["devDependencies"]
    assert foundry["evm_version"] == ape["evm_version"] == SETTINGS["evmVersion"]
    assert foundry["optimizer"] == ape["optimize"] == SETTINGS["optimizer"]["enabled"]
    assert foundry["optimizer_runs"] == ape["optimization_runs"] == SETTINGS["optimizer"]["runs"]
    assert foundry["via_ir"] == ape["via_ir"] == SETTINGS["viaIR"]
    assert foundry["remappings"] == SETTINGS["remappings"]
    assert ape["version"] == package["solc"] == SOLC_VERSION


def run_solc(*arguments: str, text: str = "", cwd: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SOLC), *arguments], input=text, capture_output=True, text=True, cwd=cwd)


def job(source: str) -> str:
    settings = {"outputSelection": {"*": {"*": ["abi"]}}}
    return json.dumps({"language": "Solidity", "sources": {"main.sol": {"content": source}}, "settings": settings})


def errors_of(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [e for e in json.loads(done.stdout).get("errors", []) if e["severity"] == "error"]


def test_wrapper_tells_its_version() -> None:
    assert f"Version: {SOLC_VERSION}+" in run_solc("--version").stdout


def test_wrapper_refuses_what_it_does_not_know() -> None:
    for arguments in ((), ("--bin",), ("--standard-json", "--optimize")):
        done = run_solc(*arguments)
        assert done.returncode == 1
        assert "tools/solc" in done.stderr


def test_wrapper_reads_imports_below_its_base_only(tmp_path: Path) -> None:
    base, outside = tmp_path / "base", tmp_path / "base of another"
    for folder in (base, outside):
        folder.mkdir()
        (folder / "a.sol").write_text("pragma solidity >=0.8.0; contract A {}")
    (base / "link.sol").symlink_to(outside / "a.sol")
    inside = job('pragma solidity >=0.8.0; import "./a.sol"; contract B is A {}')
    assert errors_of(run_solc("--standard-json", "--base-path", str(base), text=inside)) == []
    for path in ("link.sol", str(outside / "a.sol"), "none.sol"):
        foreign = job(f'pragma solidity >=0.8.0; import "{path}"; contract B is A {{}}')
        assert errors_of(run_solc("--standard-json", "--base-path", str(base), text=foreign))
        allowed = run_solc("--standard-json", "--base-path", str(base), "--allow-paths", str(outside), text=foreign)
        assert bool(errors_of(allowed)) == (path == "none.sol")


def test_wrapper_is_found_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "solc").symlink_to(SOLC)
    done = subprocess.run([str(tmp_path / "solc"), "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert SOLC_VERSION in done.stdout
