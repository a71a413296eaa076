"""What runs leave behind: a folder that one of them works in at a time, and tables that are replaced whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from pol_oracle.files import held, write_whole
from pol_oracle.protocol.errors import InputError

Row = TypeVar("Row")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other runs out of a folder.

    Raises:
        InputError: one is at work.
    """
    with held(folder / "lock", f"another run works in {folder}: wait for it, or choose another --out"):
        yield


def write_table(path: Path, kind: type[Any], rows: Sequence[Any]) -> None:
    """Writes a CSV with a column for each field of a dataclass.

    Args:
        path: the file.
        kind: the dataclass.
        rows: of it.

    Raises:
        OSError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(get_type_hints(kind))
    writer.writerows(astuple(row) for row in rows)
    write_whole(path, text.getvalue().encode())


def read_table(path: Path, kind: type[Row]) -> list[Row]:
    """Reads what :func:`write_table` wrote; nothing if there is no file.

    Raises:
        InputError: it is not what a run wrote.
    """
    columns = get_type_hints(kind)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            return [kind(**{name: of(row[name]) for name, of in columns.items()}) for row in reader]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not what a run wrote ({error}): restore it, or choose another --out") from error
