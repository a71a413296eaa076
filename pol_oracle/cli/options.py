"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pol_oracle.protocol.lifecycle import Role


class RoleName(StrEnum):
    """Roles as users type them."""

    MINER = "miner"
    VERIFIER = "verifier"

    @property
    def role(self) -> Role:
        """The role as L1 numbers it."""
        return Role[self.name]


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Account = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="NAME", help="Keystore to sign with: a name or address of `pol keys list`, or a file."
    ),
]
Dev = Annotated[
    int | None,
    typer.Option("--dev", metavar="N", min=0, help="Sign with the devnet's well-known account number N."),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        envvar="POL_PASSWORD_FILE", help="File whose first line is the keystore's password; else you are asked."
    ),
]

States = Annotated[
    list[str] | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Folder or URL where states may be found; can be repeated. (default: the deployment's)",
    ),
]

Threads = Annotated[int, typer.Option(min=1, help="Threads of the canonical arithmetic.")]
