"""Encrypted keystores (Web3 Secret Storage, version 3), one file per key: ``<folder>/<name>.json``.

Geth, Foundry (``cast wallet``) and ape read these files, and theirs are read, by whatever name they have. Foundry's do
not say what their address is: it is known once they are opened.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import structlog
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import is_address, to_checksum_address
from eth_utils.exceptions import ValidationError

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

KDFS = ("scrypt", "pbkdf2")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Key:
    """A stored key, as far as it is known without its password.

    Attributes:
        name: the keystore's file name without ``.json``.
        address: checksummed address; "" if the file does not say.
        path: the file.
    """

    name: str
    address: str
    path: Path


def new_key(folder: Path, name: str, password: str, iterations: int | None = None) -> Key:
    """Makes a new random key and stores it.

    Args:
        folder: where keystores live; made if needed.
        name: of the new key: letters, digits, ``_``, ``-``, ``.``.
        password: encrypts the file; not empty.
        iterations: cost of the password hash (scrypt n); None takes eth-account's default.

    Raises:
        InputError: the name or the password cannot be used, or the name is taken.
    """
    return _store(folder, name, Account.create(), password, iterations)


def import_key(folder: Path, name: str, secret: str, password: str, iterations: int | None = None) -> Key:
    """Stores a private key given as 32 bytes of hex; otherwise as :func:`new_key`.

    Raises:
        InputError: as :func:`new_key`, or ``secret`` is no private key, or it is stored already.
    """
    try:
        account = Account.from_key(bytes.fromhex(secret.strip().removeprefix("0x")))
    except (ValueError, ValidationError):
        raise InputError("this is no private key: 64 hexadecimal digits are expected") from None
    for key in _scan(folder)[0]:
        if key.address == account.address:
            raise InputError(f"the key of {key.address} is already stored as {key.name!r}")
    return _store(folder, name, account, password, iterations)


def list_keys(folder: Path) -> list[Key]:
    """Returns all stored keys by name, and warns of files that are no keystores; no password is needed."""
    keys, bad = _scan(folder)
    for problem in bad.values():
        log.warning(problem)
    return keys


def load_key(folder: Path, account: str, password: str) -> LocalAccount:
    """Decrypts a stored key.

    Args:
        folder: where keystores live.
        account: a key's name or its address.
        password: the one it was stored with.

    Raises:
        InputError: there is no such key, the password is wrong, or the file is damaged.
    """
    key = find_key(folder, account)
    content = _read(key.path)[1]
    try:
        loaded: LocalAccount = Account.from_key(Account.decrypt(content, password))
    except ValueError as error:
        if "MAC mismatch" in str(error):
            raise InputError(f"wrong password for key {key.name!r}") from None
        raise InputError(f"{key.path} is damaged: {error}") from error
    except (KeyError, AttributeError, TypeError, AssertionError, NotImplementedError) as error:
        raise InputError(_unopened(key.path, content, error)) from error
    if key.address and loaded.address != key.address:
        raise InputError(f"{key.path} is damaged: it names {key.address} and holds the key of {loaded.address}")
    return loaded


def find_key(folder: Path, account: str) -> Key:
    """Returns the stored key with that name or address, or the one in a file, such as Foundry's or Geth's, by its path.

    Raises:
        InputError: there is none, or the file is no keystore.
    """
    if os.sep in account and (path := Path(account).expanduser()).is_file():
        return _read(path)[0]
    keys, bad = _scan(folder)
    if account in bad:
        raise InputError(bad[account])
    wanted = to_checksum_address(account) if is_address(account) else None
    for key in keys:
        if key.name == account or key.address == wanted:
            return key
    names = ", ".join(key.name for key in keys) or "none"
    nameless = wanted is not None and not all(key.address for key in keys)
    hint = "; some files do not say their address: choose those by name" if nameless else ""
    raise InputError(f"no key {account!r} in {folder} (there: {names}){hint}; make one with {pol('keys new')}")


def check_new(folder: Path, name: str) -> Path:
    """Returns where a new key of that name will be; to be called before anybody types a password.

    Raises:
        InputError: the name cannot be used, or is taken.
    """
    if not _NAME.fullmatch(name) or is_address(name):
        raise InputError(f"{name!r} is no name for a key: use letters, digits, '_', '-', '.'")
    path = folder / f"{name}.json"
    for taken in (path, folder / name):
        if taken.exists():
            raise InputError(f"there is already a key {name!r} ({taken}); it is not overwritten")
    return path


def _store(folder: Path, name: str, account: LocalAccount, password: str, iterations: int | None) -> Key:
    path = check_new(folder, name)
    if not password:
        raise InputError("a key needs a password that is not empty")
    kdf: Literal["scrypt"] = "scrypt"
    content: dict[str, Any] = dict(Account.encrypt(account.key, password, kdf=kdf, iterations=iterations))
    _write_new(path, json.dumps(content | {"address": account.address}, indent=1) + "\n")
    return Key(name, account.address, path)


def _write_new(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, all of it or nothing, and never over another one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(descriptor)
            os.link(partial, path)  # unlike a rename, it fails if the name is taken
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()
    except FileExistsError:
        raise InputError(f"there is already a key {path.stem!r} ({path}); it is not overwritten") from None
    except OSError as error:
        raise InputError(f"the key could not be stored in {path}: {error.strerror}") from error


def _scan(folder: Path) -> tuple[list[Key], dict[str, str]]:
    """Returns the stored keys by name, and what is wrong with each file that is no keystore, by its name."""
    keys: list[Key] = []
    bad: dict[str, str] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or not path.is_file():
            continue
        try:
            keys.append(_read(path)[0])
        except InputError as error:
            if path.suffix == ".json":  # what else lies here is nobody's mistake
                bad[path.stem] = str(error)
    return sorted(keys, key=lambda key: key.name), bad


def _reason(error: Exception) -> str:
    """Says in words why a keystore cannot be read."""
    if isinstance(error, KeyError):
        return f"it has no field {error.args[0]!r}"
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON ({error})"
    if isinstance(error, TypeError | AttributeError):
        return "its content has the wrong structure"
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _unopened(path: Path, content: dict[str, Any], error: Exception) -> str:
    """Why a keystore that was read could not be opened, and what to do: never to part with it."""
    crypto = content["crypto"]
    kdf = crypto.get("kdf") if isinstance(crypto, dict) else None
    if (isinstance(kdf, str) and kdf not in KDFS) or isinstance(error, AssertionError):
        return (
            f"{path} is locked in a way that is not known here ({kdf!r}; known: {', '.join(KDFS)}): open it with the "
            f"tool that made it, and take the key over with {pol('keys import')}"
        )
    return f"{path} is damaged: {_reason(error)}; restore it from a copy"


def _read(path: Path) -> tuple[Key, dict[str, Any]]:
    """Reads a keystore without decrypting it."""
    try:
        found = json.loads(path.read_text("utf-8"))
        content: dict[str, Any] = {name.lower(): value for name, value in found.items()}
        if "crypto" not in content:
            raise KeyError("crypto")
        if content["version"] != 3:
            raise ValueError(f"version {content['version']} instead of 3")
        named = content.get("address")
        address = to_checksum_address(str(named)) if named else ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no keystore that can be read here: {_reason(error)}; restore it from a copy, or keep it "
            "elsewhere"
        ) from error
    return Key(path.stem if path.suffix == ".json" else path.name, address, path), content
