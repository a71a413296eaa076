"""Installs this checkout and all that it needs into the virtual environment whose Python runs this.

uv does it, which finds, downloads and unpacks packages side by side. It is told what pip is told; where it is not to be
had, or finds no way, pip does it.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WHAT = ["--quiet", "--editable", ".[dev]"]
PLACES = ("index-url", "extra-index-url", "find-links", "constraint")  # options of both
PIP = [sys.executable, "-m", "pip"]


def settings(lines: Iterable[str]) -> dict[str, str]:
    """Returns pip's settings as ``pip config list`` tells them; the environment's come last, and count."""
    found = {}
    for line in sorted(lines, key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        found[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    return found


def by_uv(told: dict[str, str]) -> list[str]:
    """Returns uv's command line. Of several indexes, it takes the best version, as pip does."""
    places = [f"--{name}={place}" for name in PLACES for place in told.get(name, "").split()]
    return ["-m", "uv", "pip", "install", "--python", sys.executable, "--index-strategy", "unsafe-best-match", *places]


def run(command: list[str], **environment: str) -> bool:
    """Says whether a command ended well."""
    return subprocess.run(command, cwd=ROOT, env=environment | os.environ, check=False).returncode == 0


def install(told: dict[str, str]) -> bool:
    """Installs all; says whether it went well."""
    own = {"UV_CACHE_DIR": str(ROOT / ".build" / "uv-cache")}
    if cert := told.get("cert"):
        own["SSL_CERT_FILE"] = cert
    if run([*PIP, "install", "--quiet", "uv"]) and run([sys.executable, *by_uv(told), *WHAT], **own):
        return True
    sys.stderr.write("uv did not install the packages: pip does\n")
    return run([*PIP, "install", "--no-compile", "--progress-bar", "off", *WHAT])


if __name__ == "__main__":
    listed = subprocess.run([*PIP, "config", "list"], capture_output=True, text=True, check=True)
    sys.exit(not install(settings(listed.stdout.splitlines())))
