"""IndexKeeper and server together, until interrupted."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from pol_oracle.advice import given
from pol_oracle.files import held
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.process import signals_raise
from pol_oracle.protocol.errors import InputError
from pol_oracle.store.server import Impatient, bound

from ..facts.book import Book
from ..index.reading import IndexReader
from ..index.writing import IndexWriter
from ..keeper import IndexKeeper
from ..lookup import CallLookup
from ..workshop.pool import Workshop, WorkshopConfig
from .app import Explorer
from .live import Live

_BACKLOG = 2048
_FILES = 8192  # connections that may be open at once, as far as the system lets us
NICE = 5  # agents of the same machine come first
CONNECT_S = 5.0


@dataclass(frozen=True)
class ExplorerConfig:
    """What to show, and where.

    Attributes:
        deployment: what is watched.
        rpc: of L1.
        index: the SQLite file.
        host: address to listen on.
        port: TCP port; 0 takes any free one.
        names: says what to call accounts by now, by address; asked often, by any thread.
        data: folder of finished data sets.
        own: folder for states that replays leave behind; it is kept small.
        states: folders and URLs where states may be found besides.
    """

    deployment: Deployment
    rpc: str
    index: Path
    data: Path
    own: Path
    states: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int = 8580
    names: Callable[[], Mapping[str, str]] = dict


def serve(config: ExplorerConfig, ready: Callable[[str], None] | None = None) -> None:
    """Serves pages until interrupted, or told to end.

    Args:
        config: what to show, and where.
        ready: told the URL once the port is bound.

    Raises:
        InputError: the port cannot be bound, or the index not be written, or another explorer keeps it.
    """
    # uvicorn raises a signal again once it has stopped; unhandled, SIGTERM would leave the workshop's processes
    with signals_raise(signal.SIGTERM), bound(config.host, config.port) as listener, _kept_alone(config.index):
        site = assemble(config)
        _raise_limit()
        os.nice(NICE)
        shown = f"[{config.host}]" if ":" in config.host else config.host
        if ready:
            ready(f"http://{shown}:{listener.getsockname()[1]}")
        # Ctrl-C is how it ends; what pages advise is for other machines, which have other folders
        with suppress(KeyboardInterrupt), given({}), site:
            site.server().run(sockets=[listener])


@contextmanager
def _kept_alone(index: Path) -> Iterator[None]:
    """Keeps other explorers off an index: each of two would leave out what the other wrote."""
    refusal = f"another explorer keeps the index {index}: look at its pages, or name another file by --index"
    with ExitStack() as stack:
        try:
            stack.enter_context(held(index.with_name(index.name + ".lock"), refusal))
        except OSError as error:
            raise InputError(
                f"the index {index} cannot be written ({error.strerror}); name another by --index"
            ) from error
        yield


@dataclass(frozen=True)
class Site:
    """The ASGI application and its stream, the thread that keeps its index, and what works things out."""

    app: object
    live: Live
    keeper: IndexKeeper
    workshop: Workshop
    lookup: CallLookup

    def server(self) -> uvicorn.Server:
        """Returns what serves it."""
        return ExplorerServer(self.app, self.live)

    def __enter__(self) -> Site:
        self.keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.keeper.stop()
        self.workshop.close()
        self.lookup.close()


def assemble(config: ExplorerConfig) -> Site:
    """Returns the parts of an explorer; nothing runs yet."""
    found, live = config.deployment, Live()
    genesis = bytes.fromhex(found.genesis_id.removeprefix("0x"))
    writer, reader = IndexWriter(config.index, found.genesis_id, genesis), IndexReader(config.index)

    def connect() -> Client:
        return Client.connect(config.rpc, found, timeout_s=CONNECT_S)

    keeper = IndexKeeper(found, connect, writer, reader, live.tell)
    workshop = Workshop(WorkshopConfig(found, config.data, config.own, config.states), keeper.nudge)
    lookup = CallLookup(connect, keeper.nudge)
    book = Book(found, reader, lambda: keeper.state, workshop, lookup, config.names)
    return Site(Explorer(book, live, keeper.doubt).application(), live, keeper, workshop, lookup)


class ExplorerServer(uvicorn.Server):
    """A server whose streams end when it stops, instead of being waited for and then cut off.

    Args:
        app: the ASGI application.
        live: its stream.
    """

    def __init__(self, app: object, live: Live) -> None:
        super().__init__(configuration(app))
        self._live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See the base class."""
        self._live.end()
        await super().shutdown(sockets)


def configuration(app: object) -> uvicorn.Config:
    """Returns the server's settings."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=Impatient,
        ws="none",
        headers=[("connection", "close")],
        log_level="warning",
        backlog=_BACKLOG,
        server_header=False,
        timeout_graceful_shutdown=1,
    )


def _raise_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
