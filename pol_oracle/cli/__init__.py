"""The command ``pol``: one thin file per command group.

app.py        the root command and its options
settings.py   environment variables
session.py    what commands open: L1, keys, task
failures.py   errors -> sentences and exit codes
given.py      amounts, addresses, task files, files to write
options.py    shared options
output.py     JSON and text, times, amounts
names.py      who is behind an address
pages.py      pages of an explorer that is known
values.py     what is printed as JSON
live.py       a miner's line
logs.py       log entries
pictures/     what people are shown of the network
local/        commands about this machine
network/      commands about a network
lab/          commands that need none
"""

from __future__ import annotations


def main() -> None:
    """Entry point of ``pol``."""
    import os
    import sys
    from pathlib import Path

    from .app import app
    from .failures import EXPECTED, expected
    from .output import Closed, remark

    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:  # else a file gets it, and what libraries print with it
        os.set_inheritable(number, True)
    os.close(number)
    if sys.stdout is None:
        sys.stdout = Closed()
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    try:
        app(prog_name="pol")
    except OSError as error:  # help, too, has to be written somewhere
        if (sentence := expected(error)) is None:
            raise
        remark(f"pol: {sentence}")
        raise SystemExit(EXPECTED) from error
    finally:
        try:
            sys.stdout.flush()
        except OSError:  # told already; Python would tell it again as it ends, with an exit code of its own
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
