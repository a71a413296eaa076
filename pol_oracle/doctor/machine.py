"""Programs, disk and arithmetic of this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from pol_oracle.l1.contracts.artifacts import SOLC_VERSION, load_artifact
from pol_oracle.l1.devnet.anvil import CHECKOUT, find_anvil
from pol_oracle.protocol.errors import ArithmeticFault, InputError

from .findings import Finding, Grade, good, skipped

_VERSION_LIMIT_S = 10.0
LEAST_DISK = 1 << 30  # bytes: a log, journals and states of a day
ENOUGH_DISK = 5 << 30


def anvil() -> Finding:
    """Whether there is an Anvil for a devnet, and which."""
    try:
        found = find_anvil()
        said = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=_VERSION_LIMIT_S)
    except InputError as error:
        return Finding("anvil", Grade.WARNING, "there is none, so no devnet", str(error))
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("anvil", Grade.BAD, f"it does not start: {error}", "reinstall Foundry (https://getfoundry.sh)")
    version = said.stdout.strip().splitlines()[0] if said.stdout.strip() else "no version"
    return good("anvil", f"{version} ({found})")


def contracts() -> Finding:
    """Whether the contracts are compiled."""
    try:
        load_artifact("PoLRegistry")
    except InputError as error:
        return Finding("contracts", Grade.BAD, str(error), "run `make setup`")
    return good("contracts", "compiled")


def solc() -> Finding:
    """Whether there is a compiler; only a checkout needs one."""
    if not (CHECKOUT / "contracts").is_dir():
        return skipped("solc", "a wheel carries compiled contracts and needs none")
    places = (CHECKOUT / ".build" / "solcx" / f"solc-v{SOLC_VERSION}", CHECKOUT / "node_modules" / "solc")
    found = next((place for place in places if place.exists()), None)
    if found is None:
        return Finding("solc", Grade.WARNING, f"no solc {SOLC_VERSION}, for changes to contracts", "run `make setup`")
    return good("solc", f"{SOLC_VERSION} ({found})")


def disk(home: Path) -> Finding:
    """Whether the home folder's disk has room."""
    there = next(folder for folder in (home, *home.resolve().parents) if folder.exists())
    free = shutil.disk_usage(there).free
    text = f"{free / 2**30:,.1f} GiB free in {there}"
    if free >= ENOUGH_DISK:
        return good("disk", text)
    grade = Grade.WARNING if free >= LEAST_DISK else Grade.BAD
    return Finding("disk", grade, text, "free some space, or move the home folder with --home")


def arithmetic() -> Finding:
    """Whether the canonical arithmetic gives the right bits here."""
    from pol_oracle.canonical.selftest import self_test  # which takes a while to load

    try:
        self_test()
    except ArithmeticFault as error:
        return Finding("arithmetic", Grade.BAD, str(error), "let this machine sign nothing; use another one")
    return good("arithmetic", "the self-test gives the right bits")
