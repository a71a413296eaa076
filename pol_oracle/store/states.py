"""Reading and writing states by root, from places that are not trusted."""

from __future__ import annotations

import errno
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import fsspec
import structlog
from fsspec.implementations.local import LocalFileSystem

from pol_oracle.files import write_whole
from pol_oracle.protocol.errors import CorruptState, InputError, StoreError
from pol_oracle.protocol.text import printable, without_secrets

from .places import unpacking

log = structlog.get_logger(__name__)

CHUNK = 1 << 18  # bytes read at once
ROOT_SIZE = 32
_HTTP = ("http://", "https://")


@dataclass(frozen=True)
class Limits:
    """How long a read over the network may take.

    Attributes:
        connect_s: seconds until the connection stands.
        idle_s: seconds without a byte.
        total_s: seconds for one whole file, on top of ``size / slowest``.
        slowest: bytes per second below which a server is given up.
        longest_s: seconds for one whole file, whatever its size.
    """

    connect_s: float = 5.0
    idle_s: float = 10.0
    total_s: float = 10.0
    slowest: float = 200_000.0
    longest_s: float = 3600.0


class FileKind(StrEnum):
    """What a file holds; how its name ends."""

    STATE = ".f32"
    HEADER = ".header"


FILE_NAME = re.compile(rf"[0-9a-f]{{64}}({'|'.join(re.escape(kind) for kind in FileKind)})")


def file_name(root: bytes, kind: FileKind = FileKind.STATE) -> str:
    """Returns the name of the state with this root, or of another kind of file with this hash.

    Raises:
        StoreError: ``root`` is not 32 bytes.
    """
    if len(root) != ROOT_SIZE:
        raise StoreError(f"a {kind.name.lower()} is named by {ROOT_SIZE} bytes, not {len(root)}")
    return f"{root.hex()}{kind}"


class StateStore:
    """States, and other files named by a hash, in one or more places. The first is written; all are read, in order.

    Args:
        urls: folders or fsspec URLs (``file://``, ``http://``, ``https://``, ``s3://`` …).
        limits: time limits of network reads.

    Raises:
        InputError: no URL, or one that fsspec cannot open.
        StoreError: one that has to be connected to does not answer.
    """

    def __init__(self, urls: Sequence[str | Path], limits: Limits | None = None) -> None:
        if not urls:
            raise InputError("a store needs at least one folder or URL")
        self.urls = tuple(str(url) for url in urls)
        self._limits = limits or Limits()
        self._places = [self._open_place(url) for url in self.urls]
        self._shown = [printable(without_secrets(url)) for url in self.urls]

    @property
    def places(self) -> tuple[str, ...]:
        """The URLs without secrets, to be shown."""
        return tuple(self._shown)

    @property
    def local(self) -> bool:
        """Whether the first place is a folder on this machine."""
        return isinstance(self._places[0][0], LocalFileSystem)

    @property
    def read_only(self) -> bool:
        """Whether the first place takes no writes, whoever asks."""
        return self.urls[0].startswith(_HTTP)

    def put(self, root: bytes, data: bytes, kind: FileKind = FileKind.STATE) -> None:
        """Writes a state to the first place: whole or not at all.

        Args:
            root: the state's root, 32 bytes; names the file.
            data: its bytes, as ``State.to_bytes`` gives them.
            kind: what it is, if not a state.

        Raises:
            StoreError: no space, no permission, or a place that takes no writes.
        """
        files, folder = self._places[0]
        name = file_name(root, kind)
        if self.read_only:
            raise StoreError(f"the store {self._shown[0]} is read-only; name a folder before it to write to")
        try:
            if isinstance(files, LocalFileSystem):
                Path(folder).mkdir(parents=True, exist_ok=True)
                write_whole(Path(folder, name), data)
            else:
                files.pipe_file(f"{folder}/{name}", data)
        except OSError as error:
            raise StoreError(f"cannot write {name} to {self._shown[0]}: {_reason(error)}") from error

    def remove(self, root: bytes) -> None:
        """Removes a state from the first place, if it is there.

        Raises:
            StoreError: no permission, or a place that takes no writes.
        """
        files, folder = self._places[0]
        try:
            files.rm_file(f"{folder}/{file_name(root)}")
        except FileNotFoundError:
            return
        except (OSError, NotImplementedError) as error:
            raise StoreError(
                f"cannot remove state {file_name(root)} from {self._shown[0]}: {_reason(error)}"
            ) from error

    def has(self, root: bytes) -> bool:
        """Says whether the first place holds a file of this name (which says nothing about its bytes)."""
        files, folder = self._places[0]
        with suppress(*_troubles()):
            return bool(files.isfile(f"{folder}/{file_name(root)}"))
        return False

    def size(self, root: bytes) -> int:
        """Returns the bytes that a state takes in the first place; 0 if it is not there."""
        files, folder = self._places[0]
        with suppress(*_troubles()):
            return int(files.size(f"{folder}/{file_name(root)}") or 0)
        return 0

    def roots(self) -> set[bytes]:
        """Returns the roots whose states lie in the first place, if that is a folder on this machine; else none."""
        files, folder = self._places[0]
        paths = Path(folder).glob("*.f32") if isinstance(files, LocalFileSystem) else ()
        return {bytes.fromhex(path.stem) for path in paths if FILE_NAME.fullmatch(path.name)}

    def get(self, root: bytes, size: int) -> bytes:
        """Returns the first state found under this name, ``size`` bytes long. Its root is *not* checked.

        Raises:
            CorruptState: it was found, but nowhere with this size.
            StoreError: it was found nowhere, or no place answered.
        """
        return next(self.candidates(root, size))

    def candidates(self, root: bytes, size: int, kind: FileKind = FileKind.STATE) -> Iterator[bytes]:
        """Yields the bytes of every place that holds ``size`` bytes under this name.

        So a caller who finds a wrong root can go on to the next place. Reads at most ``size + 1`` bytes from each.

        Raises:
            CorruptState: when none is left, and some file had another size.
            StoreError: when none is left, and nothing was wrong with a file.
        """
        name = file_name(root, kind)
        failures: list[str] = []
        corrupt = False
        for url, (files, folder) in zip(self._shown, self._places, strict=True):
            try:
                data = self._read(files, f"{folder}/{name}", size)
            except FileNotFoundError:
                failures.append(f"{url}: not there")
            except Exception as error:  # noqa: BLE001  (a hostile server may bring any library to any error)
                failures.append(f"{url}: {_reason(error)}")
            else:
                if len(data) == size:
                    yield data
                    failures.append(f"{url}: has another {'root' if kind is FileKind.STATE else 'hash'}")
                else:
                    failures.append(f"{url}: {'more' if len(data) > size else 'fewer'} than the {size} bytes expected")
                corrupt = True
        what = f"no usable copy of {kind.name.lower()} {name} ({'; '.join(failures)})"
        raise (CorruptState if corrupt else StoreError)(f"{what}: name a store that has it with --store")

    def _open_place(self, url: str) -> tuple[Any, str]:
        options: dict[str, Any] = {"skip_instance_cache": True}
        if url.startswith(_HTTP):
            import aiohttp  # a third of a second; most agents read folders alone

            timeout = aiohttp.ClientTimeout(
                total=self._limits.longest_s, sock_connect=self._limits.connect_s, sock_read=self._limits.idle_s
            )
            # No decompression but our own, which is bounded. No redirection: where to look is the operator's to say.
            asked = {"Accept-Encoding": "identity"}
            options["client_kwargs"] = {"timeout": timeout, "auto_decompress": False, "headers": asked}
            options["allow_redirects"] = False
        try:
            files, folder = fsspec.core.url_to_fs(url, **options)
        except (ValueError, ImportError, TypeError) as error:
            raise InputError(
                f"{without_secrets(url)!r} is neither a folder nor a URL the store can use: {_reason(error)}"
            ) from error
        except (OSError, EOFError) as error:  # some are connected to at once, such as ftp://
            raise StoreError(
                f"the store {without_secrets(url)} does not answer ({_reason(error)}): name another with --store"
            ) from error
        return files, str(folder).rstrip("/")

    def _read(self, files: Any, path: str, size: int) -> bytes:
        """Reads up to ``size + 1`` bytes, in chunks, until the deadline."""
        local = isinstance(files, LocalFileSystem)
        if local and not Path(path).is_file():
            raise FileNotFoundError(path)
        deadline = time.monotonic() + min(self._limits.longest_s, self._limits.total_s + size / self._limits.slowest)
        parts: list[bytes] = []
        missing = size + 1
        # Block size 0 streams instead of caching; a given size spares the question for it, which a server may dodge.
        streamed = {} if local else {"block_size": 0, "size": size}
        with files.open(path, "rb", **streamed) as file:
            answer = getattr(file, "r", None)  # over HTTP
            unpack = unpacking(*(200, {}) if answer is None else (answer.status, answer.headers))
            while missing > 0 and (data := file.read(min(CHUNK, missing))):
                part = unpack(data, missing)
                parts.append(part)
                missing -= len(part)
                if time.monotonic() > deadline:
                    raise TimeoutError("it is served too slowly")
        return b"".join(parts)


def _troubles() -> tuple[type[Exception], ...]:
    """What a place raises when something is wrong with it; nothing is loaded to find that out."""
    aiohttp = sys.modules.get("aiohttp")
    return (OSError,) if aiohttp is None else (OSError, aiohttp.ClientError)


def _reason(error: BaseException) -> str:
    """Turns an error of the operating system or of the network into words."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space"
    if isinstance(error, PermissionError):
        return "permission denied; check the folder's owner and mode"
    if isinstance(error, TimeoutError):
        return printable(without_secrets(str(error))) or "no answer in time"
    return printable(without_secrets(str(error))) or type(error).__name__
