"""Writes the manual page of ``pol`` from the commands themselves: ``python tools/man_page.py > docs/pol.1``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import typer.main

from pol_oracle.cli.app import app

HEAD = """.TH POL 1 "" "pol-oracle" "User Commands"
.SH NAME
pol \\- proof of learning on Ethereum
.SH SYNOPSIS
.B pol
[\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]
.SH DESCRIPTION"""
TAIL = """.SH FILES
.TP
.I .pol
The home folder: deployment file, keys, store, data sets, journals and logs of agents, the devnet.
.TP
.I pol.toml
Settings, such as \\fBhome\\fR and \\fBrpc\\fR. An option wins over the environment, that over the file.
.SH EXIT STATUS
0 when all is well; 1 for what a user can do something about; 2 for mistakes on the command line, and for what nobody
expected (a file in \\fI.pol/logs\\fR has the details)."""


def page() -> str:
    """Returns the page in roff."""
    root: Any = typer.main.get_command(app)
    lines = [HEAD, _plain(root.help), ".SH OPTIONS", *_options(root), ".SH COMMANDS"]
    for name, command in commands(root):
        lines += [f".SS pol {name}", _plain(command.help), *_options(command)]
    return "\n".join([*lines, TAIL]) + "\n"


def commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields every command with its whole name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _options(command: Any) -> Iterator[str]:
    for parameter in command.params:
        names = parameter.opts if parameter.param_type_name == "option" else [parameter.name.upper()]
        variable = getattr(parameter, "envvar", None)
        yield ".TP"
        yield f".B {', '.join(names)}".replace("-", "\\-")
        yield _plain(parameter.help or "") + (f" [environment: {variable}]" if variable else "")


def _plain(text: str) -> str:
    """Text without what roff would take for itself."""
    flat = " ".join(text.split()).replace("\\", "\\\\").replace("-", "\\-")
    return f"\\&{flat}" if flat.startswith((".", "'")) else flat


if __name__ == "__main__":
    sys.stdout.write(page())
