"""Prints the gas of every kind of transaction, as Gas.t.sol measures it, next to the checked-in figures.

    python tests/solidity/gas.py [--write]

With ``--write`` the measured figures become the checked-in ones (tests/golden/gas.json), against which
``forge test`` compares within 1 %. Exits 1 if a figure is off by more or above its bar.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHECKED_IN = ROOT / "tests" / "golden" / "gas.json"
NPM_FORGE = ROOT / "node_modules" / "@foundry-rs" / "forge-linux-amd64" / "bin" / "forge"
BARS = {"propose": 200_000, "attest": 80_000, "finalize": 150_000}
TOLERANCE = 0.01
FIGURE = re.compile(r"^  (?P<name>[a-zA-Z0-9 ]+): (?P<gas>\d+)$", re.MULTILINE)


def measure() -> dict[str, int]:
    """Runs Gas.t.sol and returns gas by name, in the order of the tests."""
    forge = str(NPM_FORGE) if NPM_FORGE.is_file() else shutil.which("forge")
    if forge is None:
        sys.exit("forge is neither in node_modules nor on the PATH; run `npm ci`")
    command = [forge, "test", "--root", str(ROOT), "--match-contract", "GasTest", "-vv"]
    environment = os.environ | {"GAS_PRINT": "true", "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return {match["name"]: int(match["gas"]) for match in FIGURE.finditer(done.stdout)}


def table(measured: dict[str, int], expected: dict[str, int]) -> bool:
    """Prints one line per figure; returns whether all are within tolerance and bar."""
    good = True
    sys.stdout.write(f"{'transaction':<42}{'gas':>9}{'checked in':>12}{'bar':>9}\n")
    for name, gas in measured.items():
        was, bar = expected.get(name), BARS.get(name)
        ok = was is not None and abs(gas - was) <= TOLERANCE * was and (bar is None or gas <= bar)
        good = good and ok
        limit = f"{bar:,}" if bar else ""
        sys.stdout.write(f"{name:<42}{gas:>9,}{was or 0:>12,}{limit:>9}{'' if ok else '  <-- off'}\n")
    return good


def main() -> int:
    """Prints the table and, if asked, writes it."""
    measured = measure()
    if "--write" in sys.argv[1:]:
        CHECKED_IN.write_text(json.dumps(measured, indent=1) + "\n")
    return 0 if table(measured, json.loads(CHECKED_IN.read_text())) else 1


if __name__ == "__main__":
    sys.exit(main())
