"""The command ``pol``: one thin file per command group.

app.py        the root command and its options        keys.py    keystores
settings.py   environment variables                   bond.py    bonds
session.py    what commands open: L1, keys, task      agents.py  miner run, verifier run
failures.py   errors -> sentences and exit codes      blocks.py  inspect blocks
output.py     JSON and text                           chain.py   task, status, plot
options.py    shared options                          live.py   a miner's line; logs.py: log entries
state.py      the trained network, out and in
challenge.py, devnet.py, deploy.py, store.py, bench.py, demo.py, reproduce.py, simulate.py, soak.py: a command
each
"""

from __future__ import annotations


def main() -> None:
    """Entry point of ``pol``."""
    from .app import app

    app(prog_name="pol")
