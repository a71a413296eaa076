"""What users type: amounts, addresses, task files, and files to write."""

from __future__ import annotations

import os
from pathlib import Path

from pol_oracle.protocol.errors import InputError


def address(text: str) -> str:
    """Returns an address as it is to be written.

    Raises:
        InputError: it is none.
    """
    from eth_utils.address import is_address, is_checksum_address, to_checksum_address

    if not is_address(text):
        raise InputError(f"{text!r} is no address: 0x and 40 hexadecimal digits are expected")
    digits = text[-40:]
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address(text):
        raise InputError(f"a digit of the address {text} is wrong: its capitals, a checksum (EIP-55), do not fit")
    return str(to_checksum_address(text))


def target(path: Path | None) -> Path | None:
    """Returns the place of a file that is to be written: told before the work that it is for.

    Raises:
        InputError: no file can be written there.
    """
    if path is None or _is_special(path):
        return path
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; name a file")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}; create its folder first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"cannot write {path}: permission denied; choose another folder")
    return path


def source(path: Path) -> None:
    """Looks whether a file can be read.

    Raises:
        OSError: it cannot.
    """
    if not _is_special(path):
        path.open("rb").close()


def _is_special(path: Path) -> bool:
    """Whether it is a device or a pipe."""
    return path.exists() and not path.is_file() and not path.is_dir()


def task(path: Path | None) -> Path | None:
    """Returns the place of a task file that can be used: told before anything is loaded that computes.

    Raises:
        InputError: it cannot be used.
    """
    if path is not None and not _is_special(path):  # what comes through a pipe is read once
        from pol_oracle.task_file import load_spec

        load_spec(path)
    return path


def wei(text: str) -> int:
    """Returns an amount of ETH in wei.

    Raises:
        InputError: it is none.
    """
    from decimal import Decimal, InvalidOperation

    try:
        eth = Decimal(text)
        if not eth.is_finite() or not 0 < eth < 10**12:
            raise InputError(f"{text!r} is no amount of ETH: it must be positive, and less than there is")
        amount = eth.scaleb(18)
    except InvalidOperation as error:
        raise InputError(f"{text!r} is no amount of ETH: give a number such as 2.5") from error
    if amount != amount.to_integral_value():
        raise InputError(f"{text!r} is no amount of ETH: it must have at most 18 decimals")
    return int(amount)
