"""States that replays leave behind, so that the next one begins there: as many as fit, the newest."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pol_oracle.store import FileKind, StateStore, file_name

MOST_BYTES = 1 << 30


class StateShelf(StateStore):
    """A store whose first place is a folder of its own, which forgets the oldest states when it is full.

    Args:
        own: the folder.
        places: where states are found besides.
        most_bytes: that its states may take; the newest one stays whatever it takes.
    """

    def __init__(self, own: Path, places: Sequence[str] = (), most_bytes: int = MOST_BYTES) -> None:
        super().__init__([own, *places])
        self._own, self._most_bytes = own, most_bytes

    def put(self, root: bytes, data: bytes, kind: FileKind = FileKind.STATE) -> None:
        """See the base class."""
        super().put(root, data, kind)
        written = self._own / file_name(root, kind)
        room = self._most_bytes - len(data)
        for path in sorted(self._own.glob("*.f32"), key=_age, reverse=True):
            if path == written:
                continue
            size = _size(path)
            room -= size
            if room < 0:
                path.unlink(missing_ok=True)


def _age(path: Path) -> int:
    with suppress(FileNotFoundError):  # somebody tidies up as well
        return path.stat().st_mtime_ns
    return 0


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
