"""What runs for long goes on though its display cannot be written: a network of one machine, a soak, who watches L1."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pol_oracle.fixtures.l1 import L1
from pol_oracle.soak.network.lies import Question, Reply, hang_up, honestly
from pol_oracle.soak.network.proxy import LyingProxy
from tests.cli.conftest import Pol
from tests.cli.finality import finalize_one

ROOT = Path(__file__).parents[3]
UP = """
import os
from pol_oracle.cli import main
from pol_oracle.localnet import run as localnet

def run(config, shown):
    with shown as screen:
        for number in range(50):
            screen.say(f"line {number}")
    os.write(2, b"went on\\n")
    return 3

localnet.run = run
main()
"""
SOAK = """
import os, sys
from contextlib import suppress
from types import SimpleNamespace
from pol_oracle.cli import main
from pol_oracle.soak import run as soak

def run(config, console):
    for number in range(50):
        console.print(f"line {number}")
    with suppress(OSError):
        os.write(2, b"went on\\n")
    return SimpleNamespace(problems=(), as_dict=lambda: {"report": "whole"})

soak.run = run
main()
"""


def run(program: str, home: Path, *words: str, script: str) -> tuple[int, str]:
    command = ["/bin/sh", "-c", script, "sh", sys.executable, "-c", program, "--home", str(home), *words]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize("where", [">/dev/full", ">&-", "| true"], ids=["full disk", "closed", "reader gone"])
@pytest.mark.parametrize("json", [(), ("--json",)], ids=["text", "json"])
def test_a_network_goes_on_though_nobody_sees_it(tmp_path: Path, where: str, json: tuple[str, ...]) -> None:
    """A full disk behind standard output ended all of its agents."""
    code, said = run(UP, tmp_path, "up", *json, script=f'"$@" {where}')
    assert code == 0, said
    assert said.startswith("went on\nstopped with 3 own blocks final")


def test_a_soak_goes_on_though_nobody_sees_it_and_says_that_its_report_is_lost(tmp_path: Path) -> None:
    code, said = run(SOAK, tmp_path, "soak", "--json", script='"$@" >/dev/full')
    lines = said.splitlines()
    assert (code, lines[-1]) == (1, "pol: the disk is full: free some space and run the command again")
    assert "went on" in lines
    assert run(SOAK, tmp_path, "soak", "--json", script='"$@" 2>/dev/full >/dev/null') == (0, "")


def test_who_watches_waits_for_an_l1_that_is_away(pol: Pol, l1: L1) -> None:
    """One request without an answer ended it."""
    finalize_one(l1)
    asked = iter(range(7))  # of which none is answered: two looks, and a part of the third

    def away_for_a_while(question: Question) -> Reply:
        return honestly(question) if next(asked, None) is None else hang_up(question)

    with LyingProxy(l1.client.rpc.url) as proxy:
        proxy.lie(away_for_a_while, "eth_getBlockByNumber")
        said = pol("--rpc", proxy.url, "blocks", "watch", "--past", "--count", 8, "--interval", 0.1)

    assert said.code == 0
    assert len(said.out.splitlines()) == 8
    assert said.err.count("it is waited for") == said.err.count("L1 answers again") == 1
