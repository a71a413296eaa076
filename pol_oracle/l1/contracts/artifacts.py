"""Compiles the contracts with py-solc-x and loads what came out.

In a checkout, :func:`compile_contracts` writes ``build/contracts.json`` next to this file, and again only when a
source or a setting has changed. A wheel carries that file, so that an installed package needs no compiler.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from pol_oracle.files import write_whole
from pol_oracle.protocol.errors import InputError

SOLC_VERSION = "0.8.37"
# The same settings as in foundry.toml and ape-config.yaml; a test compares them.
SETTINGS: dict[str, Any] = {
    "evmVersion": "osaka",
    "optimizer": {"enabled": True, "runs": 1000},
    "viaIR": False,
    "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
    "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}},
}
CHECKOUT = Path(__file__).resolve().parents[3]
CONTRACTS_JSON = Path(__file__).resolve().parent / "build" / "contracts.json"
DOWNLOAD_LIMIT_S = 60
_INSTALL = "import sys, solcx; solcx.install_solc(sys.argv[1])"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Artifact:
    """One compiled contract or interface.

    Attributes:
        name: of the contract, as in Solidity.
        abi: as in the JSON of the compiler.
        bytecode: creation code, 0x-prefixed hex; "0x" for an interface.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: str


def load_artifact(name: str) -> Artifact:
    """Returns a compiled contract by its name, e.g. "PoLRegistry".

    Raises:
        InputError: the contracts are not compiled, or there is no such contract.
    """
    entry = _contracts().get(name)
    if entry is None:
        raise InputError(f"there is no compiled contract {name!r}; run `make setup` if its source is new")
    return Artifact(name, entry["abi"], entry["bytecode"])


@cache
def _contracts() -> dict[str, dict[str, Any]]:
    """The file's contracts, read once per process."""
    try:
        contracts: dict[str, dict[str, Any]] = json.loads(CONTRACTS_JSON.read_text())["contracts"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"no compiled contracts in {CONTRACTS_JSON} ({error}); run `make setup`") from error
    return contracts


def compile_contracts(root: Path = CHECKOUT, target: Path = CONTRACTS_JSON) -> bool:
    """Compiles ``contracts/`` unless ``target`` was already made from the same sources.

    Args:
        root: the checkout, with ``contracts``, ``node_modules`` and ``tools``.
        target: the JSON file to write.

    Returns:
        True if it compiled, False if nothing had changed.

    Raises:
        InputError: there is no checkout here, no compiler, or the compiler reports errors.
    """
    sources = read_sources(root)
    source_hash = _hash(root, sources)
    if _made_from(target) == source_hash:
        return False
    with _one_at_a_time(target):
        if _made_from(target) == source_hash:  # another process was first
            _contracts.cache_clear()
            return False
        _compile(root, target, sources, source_hash)
    return True


def _compile(root: Path, target: Path, sources: dict[str, dict[str, str]], source_hash: str) -> None:
    import solcx  # none but who compiles waits for it
    from solcx.exceptions import SolcError

    binary = ensure_solc(root)
    try:
        output = solcx.compile_standard(
            {"language": "Solidity", "sources": sources, "settings": SETTINGS},
            solc_binary=binary,
            base_path=root,
        )
    except SolcError as error:
        raise InputError(f"the contracts do not compile: {error.message}") from error
    contracts = {
        name: {"abi": made["abi"], "bytecode": "0x" + made["evm"]["bytecode"]["object"]}
        for file, names in sorted(output["contracts"].items())
        for name, made in sorted(names.items())
        if file in sources
    }
    content = {"source_hash": source_hash, "solc": SOLC_VERSION, "contracts": contracts}
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, json.dumps(content, indent=1, sort_keys=True).encode() + b"\n")
    _contracts.cache_clear()
    log.info("contracts compiled", count=len(contracts), target=str(target))


def read_sources(root: Path) -> dict[str, dict[str, str]]:
    """Returns the contracts' sources by path relative to the checkout, as the compiler takes them.

    Raises:
        InputError: ``root`` has no contracts.
    """
    files = sorted((root / "contracts").rglob("*.sol")) if (root / "contracts").is_dir() else []
    files = [f for f in files if not any(part.startswith(".") for part in f.relative_to(root).parts)]
    if not files:
        raise InputError(f"{root} has no contracts to compile; only a checkout of pol-oracle does")
    return {f.relative_to(root).as_posix(): {"content": f.read_text("utf-8")} for f in files}


def ensure_solc(root: Path = CHECKOUT) -> Path:
    """Makes the compiler available to py-solc-x (and to ape, through ``SOLCX_BINARY_PATH``) in ``.build/solcx``.

    The native build is downloaded where that is possible; else a link to ``tools/solc`` takes its place, which runs
    the same version from npm.

    Returns:
        Path of the compiler.

    Raises:
        InputError: neither is available.
    """
    folder = root / ".build" / "solcx"
    folder.mkdir(parents=True, exist_ok=True)
    binary = folder / f"solc-v{SOLC_VERSION}"
    if binary.is_symlink() and not binary.exists():  # it points into a checkout that has gone
        binary.unlink()
    if binary.exists():
        return binary
    reason = _download(folder)
    if reason is None and binary.exists():
        return binary
    package = root / "node_modules" / "solc" / "package.json"
    if not package.is_file() or json.loads(package.read_text())["version"] != SOLC_VERSION:
        raise InputError(f"no solc {SOLC_VERSION}: no native build ({reason}) and none in node_modules; run `npm ci`")
    binary.unlink(missing_ok=True)
    binary.symlink_to(root / "tools" / "solc")
    log.info("solc from npm", native=reason)
    return binary


def _download(folder: Path) -> str | None:
    """Tries py-solc-x's own download in a process of its own, because it knows no time-out; returns what failed."""
    command = [sys.executable, "-c", _INSTALL, SOLC_VERSION]
    environment = os.environ | {"TMPDIR": str(folder), "SOLCX_BINARY_PATH": str(folder)}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DOWNLOAD_LIMIT_S)
    except subprocess.TimeoutExpired:
        (folder / f"solc-v{SOLC_VERSION}").unlink(missing_ok=True)
        return f"no download within {DOWNLOAD_LIMIT_S} s"
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or ["download failed"])[-1].partition(":")[0]


def _hash(root: Path, sources: dict[str, dict[str, str]]) -> str:
    """Over everything the output depends on; the lock file stands for OpenZeppelin."""
    lock = (root / "package-lock.json").read_text()
    return hashlib.sha256(json.dumps([SOLC_VERSION, SETTINGS, sources, lock]).encode()).hexdigest()


def _made_from(target: Path) -> str | None:
    """The source hash in the file, if there is a readable one."""
    try:
        found = json.loads(target.read_text())["source_hash"]
    except (OSError, ValueError, KeyError):
        return None
    return str(found)


@contextmanager
def _one_at_a_time(target: Path) -> Iterator[None]:
    """Other processes that would write the same file wait; a process that ends lets them go on."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    compile_contracts()
