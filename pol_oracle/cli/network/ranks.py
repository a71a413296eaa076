"""Processes that help a miner search: what torchrun does, for one machine and without its tracebacks."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..settings import Settings, rank_environment

if TYPE_CHECKING:
    from pol_oracle.search import Rendezvous

HOST = "127.0.0.1"
LOOK_S = 0.5  # between two looks at helpers
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0  # before one is started again; doubles each time
STEADY_S = 60.0  # of life, after which the pauses begin anew


def command(settings: Settings, store: Sequence[str], threads: int) -> list[str]:
    """Returns the command line of a process that helps; who it helps, and L1's address, are in its environment."""
    words = [sys.executable, "-m", "pol_oracle.cli", "--home", str(settings.home)]
    words += ["miner", "run", "--threads", str(threads)]
    for url in store:
        words += ["--store", url]
    return words


class Helper:
    """A process that helps, and is started again when it ends: at once, or later and later where that does not help.

    Args:
        rank: its number; 0 leads.
        words: its command line.
        environment: what it finds there.
        out: file for what it prints.
        clock: seconds.
    """

    def __init__(
        self,
        rank: int,
        words: Sequence[str],
        environment: Mapping[str, str],
        out: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rank, self._words, self._environment, self._out, self._clock = rank, words, environment, out, clock
        self._pause_s = FIRST_PAUSE_S
        self._again: float | None = None  # when it is started again
        self._start()

    def look(self) -> None:
        """Starts it again, if it has ended and it is time; keeps short what it prints."""
        from pol_oracle.l1.devnet.process import keep_short

        keep_short(self._out)
        code, now = self.process.poll(), self._clock()
        if code is None:
            return
        if self._again is None:
            self._pause_s = FIRST_PAUSE_S if now - self._began > STEADY_S else min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._again = now + self._pause_s
        elif now >= self._again:
            import structlog

            log = structlog.get_logger(__name__)
            log.warning("a helper ended and is started again", rank=self._rank, code=code, said=str(self._out))
            self._start()

    def _start(self) -> None:
        with self._out.open("ab") as out:
            self.process = subprocess.Popen(
                self._words,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the leader alone, which ends them
            )
        self._began, self._again = self._clock(), None


@contextmanager
def ranks(processes: int, settings: Settings, words: Sequence[str]) -> Iterator[Rendezvous]:
    """Starts helpers beside this process, which leads, and ends them with it; one whose leader is killed ends itself.

    One that ends before is started again: it cost its tries, and nothing else.

    Args:
        processes: how many search together, this one included.
        settings: of the user; what helpers print goes into the folder of the agents, ``helper-1.out`` and so on.
        words: command line of a helper.

    Yields:
        Where they meet.
    """
    from pol_oracle.l1.devnet.ports import free_port
    from pol_oracle.l1.devnet.process import end_group
    from pol_oracle.search import Rendezvous

    port = free_port()
    settings.agents.mkdir(parents=True, exist_ok=True)
    over, helpers = threading.Event(), list[Helper]()

    def keep() -> None:
        while not over.wait(LOOK_S):
            for helper in helpers:
                helper.look()

    keeper = threading.Thread(target=keep, name="helpers", daemon=True)
    with ExitStack() as started:
        for rank in range(1, processes):
            out = settings.agents / f"helper-{rank}.out"
            out.unlink(missing_ok=True)  # of an earlier run
            helpers.append(Helper(rank, words, rank_environment(rank, HOST, port, settings.rpc), out))
            started.callback(lambda helper: end_group(helper.process.pid), helpers[-1])
        keeper.start()
        started.callback(keeper.join)
        started.callback(over.set)
        yield Rendezvous(0, HOST, port)
