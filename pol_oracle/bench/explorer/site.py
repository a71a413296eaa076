"""An explorer of the forest in a process of its own: every line that it reads makes the chain longer by an L1 block."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pol_oracle.explorer.index.reading import IndexReader
from pol_oracle.explorer.index.writing import IndexWriter
from pol_oracle.explorer.keeper import IndexState
from pol_oracle.explorer.web.app import Explorer
from pol_oracle.explorer.web.live import Live
from pol_oracle.explorer.web.serve import NICE, ExplorerServer
from pol_oracle.store.server import bound

from . import forest


@dataclass(frozen=True)
class ServedForest:
    """The process, seen from outside.

    Attributes:
        url: where it answers.
        process: it.
    """

    url: str
    process: subprocess.Popen[str]

    def grow(self) -> None:
        """Another L1 block with a block of ours; returns when pages show it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    @property
    def cpu_s(self) -> float:
        """Seconds of a processor that it has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory_mb(self) -> float:
        """The most memory that it has had."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


@contextmanager
def running(scratch: Path) -> Iterator[ServedForest]:
    """Serves 10,000 blocks with 500 forks, from an index in an empty folder."""
    index = scratch / "index.sqlite"
    forest.fill(index, forest.grow(forest.BLOCKS, forest.FORKS)).close()
    command = [sys.executable, "-m", "pol_oracle.bench.explorer.site", str(index)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield ServedForest(process.stdout.readline().strip(), process)
    finally:
        process.kill()
        process.wait()


def main(index: Path) -> None:
    """Serves an index of the whole forest until its input ends."""
    live, state = Live(), [forest.book_of(index).state]
    book = forest.book_of(index, lambda: state[0])

    def tell(new: IndexState) -> None:
        state[0] = new
        live.tell(new)

    threading.Thread(target=_follow, args=(index, state[0], tell), daemon=True).start()
    os.nice(NICE)
    with bound("127.0.0.1", 0) as listener:
        sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        ExplorerServer(Explorer(book, live).application(), live).run(sockets=[listener])


def _follow(index: Path, state: IndexState, tell: Callable[[IndexState], None]) -> None:
    writer, head = IndexWriter(index, "forest", forest.GENESIS), IndexReader(index).head()
    assert head is not None
    tell(state)
    for _, update in zip(sys.stdin, forest.lengthen(head, state.l1_block), strict=False):
        writer.apply(update)
        state = replace(state, version=state.version + 1, l1_block=update.l1_block, now=update.timestamp)
        tell(state)
        sys.stdout.write("\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
