"""Processes that help a miner search: what torchrun does, for one machine and without its tracebacks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ..settings import Settings, rank_environment

if TYPE_CHECKING:
    from pol_oracle.search import Rendezvous

HOST = "127.0.0.1"


def command(settings: Settings, store: Sequence[str], threads: int) -> list[str]:
    """Returns the command line of a process that helps; who it helps, and L1's address, are in its environment."""
    words = [sys.executable, "-m", "pol_oracle.cli", "--home", str(settings.home)]
    words += ["miner", "run", "--threads", str(threads)]
    for url in store:
        words += ["--store", url]
    return words


@contextmanager
def ranks(processes: int, settings: Settings, words: Sequence[str]) -> Iterator[Rendezvous]:
    """Starts helpers beside this process, which leads, and ends them with it; one whose leader is killed ends itself.

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
    with ExitStack() as started:
        for rank in range(1, processes):
            out = started.enter_context((settings.agents / f"helper-{rank}.out").open("wb"))
            helper = subprocess.Popen(
                words,
                env=rank_environment(rank, HOST, port, settings.rpc),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the leader alone, which ends them
            )
            started.callback(end_group, helper.pid)
        yield Rendezvous(0, HOST, port)
