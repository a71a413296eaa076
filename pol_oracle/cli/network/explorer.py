"""``pol explorer``: the chain as pages to look at."""

from __future__ import annotations

import json as codec
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from pol_oracle.protocol.errors import InputError

from .. import output, session
from ..options import Json, States
from ..pages import noticed
from ..settings import Settings

NAMES = "names.json"
_NAMES_S = 5.0  # between two looks at who is called what


def explorer(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes any free one.")] = 8580,
    index: Annotated[
        Path | None,
        typer.Option(help="File of the index; it can be deleted. (default: explorer.sqlite in the home folder)"),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(
            help="JSON file: address -> what to call it, before all else. (default: names.json in the home folder)"
        ),
    ] = None,
    store: States = None,
    json: Json = False,
) -> None:
    """Serve pages to look at the chain, read-only, until Ctrl-C. Needs no key, no agent and no network but L1."""
    from pol_oracle.explorer.web.serve import ExplorerConfig, serve

    settings: Settings = ctx.obj
    found = session.deployment(settings)
    where = index or settings.home / "explorer.sqlite"
    states = (str(settings.states), *(store or found.store))
    called = NameBook(lambda: {**session.names(settings, found).known, **read_names(settings.home, names)})
    rpc, own = settings.rpc or found.rpc, settings.home / "explorer-states"
    config = ExplorerConfig(found, rpc, where, settings.data, own, states, host, port, called)

    def ready(url: str) -> None:
        notice.put_up(url)
        values = {"url": url, "index": str(where)}
        output.emit(values, json, lambda: output.remark(f"the explorer is at {url}"))

    with noticed(settings.home, found) as notice:
        serve(config, ready)


class NameBook:
    """What to call accounts by now. Safe to share between threads.

    Args:
        read: reads it; what this raises the first time is raised, later on the former names stay.
        clock: seconds, monotonic.
    """

    def __init__(self, read: Callable[[], dict[str, str]], clock: Callable[[], float] = time.monotonic) -> None:
        self._read, self._clock = read, clock
        self._known, self._read_at = read(), clock()

    def __call__(self) -> Mapping[str, str]:
        """Returns them by address, read anew now and then: agents come and go."""
        if self._clock() >= self._read_at + _NAMES_S:
            self._read_at = self._clock()
            try:
                self._known = self._read()
            except InputError as error:
                import structlog

                structlog.get_logger(__name__).warning("the former names stay", reason=str(error))
        return self._known


def read_names(home: Path, file: Path | None) -> dict[str, str]:
    """Reads what to call accounts.

    Raises:
        InputError: the file that was named cannot be used.
    """
    path = file or home / NAMES
    if file is None and not path.exists():
        return {}
    try:
        found = codec.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"the file of names {path} cannot be read ({error}); it is JSON: address -> name") from error
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise InputError(f"the file of names {path} must hold one JSON object: address -> name")
    return {str(address): name[:40] for address, name in found.items()}
