"""``pol keys``: encrypted keystores."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pol_oracle.protocol.errors import InputError

from .. import output, session
from ..options import Json, PasswordFile
from ..settings import Settings

if TYPE_CHECKING:
    from pol_oracle.l1.keys import Key

app = typer.Typer(
    no_args_is_help=True, help="Encrypted keystores (Web3 Secret Storage v3); Geth and cast read them too."
)
Name = Annotated[str, typer.Argument(help="Name of the key: letters, digits, '_', '-', '.'.")]


@app.command()
def new(ctx: typer.Context, name: Name, password_file: PasswordFile = None, json: Json = False) -> None:
    """Make a new random key and store it encrypted."""
    from pol_oracle.l1.keys import check_new, new_key

    settings: Settings = ctx.obj
    check_new(settings.keys, name)
    _show(new_key(settings.keys, name, session.password(settings, password_file, confirm=True)), json)


@app.command("import")
def import_(
    ctx: typer.Context,
    name: Name,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="File with the private key in hex (64 digits); without it you are asked, unseen."),
    ] = None,
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Store an existing private key encrypted. The key is never taken from the command line."""
    from pol_oracle.l1.keys import check_new, import_key

    settings: Settings = ctx.obj
    check_new(settings.keys, name)
    secret = _secret(secret_file)
    _show(import_key(settings.keys, name, secret, session.password(settings, password_file, confirm=True)), json)


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the stored keys; needs no password."""
    from pol_oracle.l1.keys import list_keys

    settings: Settings = ctx.obj
    keys = list_keys(settings.keys)
    rows = [{"name": key.name, "address": key.address or None, "file": str(key.path)} for key in keys]
    lines = [[key.name, key.address or "(not in the file)", key.path] for key in keys]
    output.emit({"keys": rows}, json, lambda: output.table(["name", "address", "file"], lines))


def _secret(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the private key from {file}: {error}") from error
    if not sys.stdin.isatty():
        raise InputError("a private key is needed: name a file with --secret-file, or run this on a terminal")
    return str(typer.prompt("Private key (hex)", hide_input=True))


def _show(key: Key, json: bool) -> None:
    values = {"name": key.name, "address": key.address, "file": str(key.path)}
    output.emit(values, json, lambda: typer.echo(f"{key.name}: {key.address} ({key.path})"))
