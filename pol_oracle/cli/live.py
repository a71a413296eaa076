"""What an agent shows on stdout: log entries, and on a terminal a line at the bottom that says how mining goes.

Nobody has to watch: terminals are closed, readers of pipes end or stand still, disks fill. The agent goes on.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from queue import Full, Queue
from threading import Lock, Thread
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from .output import envelope

if TYPE_CHECKING:
    from structlog.typing import EventDict

    from pol_oracle.agents.config import AgentConfig, HelperConfig

    Config = TypeVar("Config", AgentConfig, HelperConfig)

_ROOM = 1000  # texts that wait for a reader
_PATIENCE_S = 1.0  # for a reader, at the end


class Outlet:
    """Takes text for a stream at once, and writes it when that can be done.

    Args:
        stream: such as stdout.
        note: the line that says how many others could not be written; it goes first when one can be again.
    """

    def __init__(self, stream: IO[str], note: Callable[[int], str]) -> None:
        self._stream, self._note = stream, note
        self._waiting: Queue[str | None] = Queue(_ROOM)
        self._lock = Lock()
        self._lost = 0
        self._torn = False  # the last line is there in part
        self._thread = Thread(target=self._pass_on, name="outlet", daemon=True)
        self._thread.start()

    @property
    def encoding(self) -> str:
        """Of the stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def write(self, text: str) -> int:
        """Takes text; where too much waits already, its lines are lost."""
        try:
            self._waiting.put_nowait(text)
        except Full:
            self._lose(text.count("\n"))
        return len(text)

    def flush(self) -> None:
        """Does nothing: nobody waits for a reader."""

    def isatty(self) -> bool:
        """Says whether the stream is a terminal."""
        return self._stream.isatty()

    def close(self) -> None:
        """Waits a moment for what is not written yet."""
        with suppress(Full):
            self._waiting.put(None, timeout=_PATIENCE_S)
        self._thread.join(_PATIENCE_S)

    def _lose(self, lines: int) -> None:
        with self._lock:
            self._lost += lines

    def _pass_on(self) -> None:
        while (text := self._waiting.get()) is not None:
            with self._lock:
                lost, self._lost = self._lost, 0
            if lost:
                self._put(self._note(lost) + "\n", lost)
            self._put(text, text.count("\n"))

    def _put(self, text: str, lines: int) -> None:
        try:
            self._write(text)
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._lose(lines)

    def _write(self, text: str) -> None:
        """Past the stream's buffer, which would keep what could not be written, and fail again at the end."""
        raw = getattr(getattr(self._stream, "buffer", None), "raw", None)
        if raw is None:
            self._stream.write(text)
            self._stream.flush()
            return
        data = ("\n" * self._torn + text).encode(self.encoding, "backslashreplace")
        while data:
            written = raw.write(data)
            if written is None:
                raise BlockingIOError("nobody reads it")
            data = data[written:]
            self._torn = bool(data)


@contextmanager
def detached(stream: IO[str]) -> Iterator[IO[str]]:
    """Yields a stream whose reader is not waited for: for a network, say, that has a display and goes on without."""
    outlet = Outlet(stream, lambda lost: f"{lost} lines were lost")
    try:
        yield cast(IO[str], outlet)
    finally:
        outlet.close()


@contextmanager
def live(config: Config, json: bool, line: bool = False) -> Iterator[Config]:
    """Shows an agent's log entries on stdout. A closed terminal (SIGHUP) does not end the process meanwhile.

    Args:
        config: its settings; those that are yielded tell what is shown.
        json: entries are JSON lines instead of text, and there is no live line.
        line: keep a live line at the bottom, on a terminal.
    """
    from rich.console import Console

    from pol_oracle.agents.monitoring.logs import as_json, as_text, lost_entry

    def wrapped(entry: EventDict) -> str:
        return as_json(envelope(entry))

    as_line = wrapped if json else as_text
    outlet = Outlet(sys.stdout, lambda lost: as_line(lost_entry(lost)))

    def tell(entry: EventDict) -> None:
        outlet.write(as_line(entry) + "\n")

    console = Console(file=cast(IO[str], outlet))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        if not line or json or not console.is_terminal:
            yield replace(config, tell=tell)
            return
        with console.status("starting") as status:
            watched: dict[str, Any] = {
                "show": lambda line: status.update(line),
                "tell": lambda entry: console.print(as_text(entry), markup=False, highlight=False, soft_wrap=True),
            }
            yield replace(config, **watched)
    finally:
        outlet.close()
        signal.signal(signal.SIGHUP, before)
