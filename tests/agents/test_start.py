"""An agent that is started while L1 is away waits for it, and says so; a mistake ends it at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from pol_oracle.agents.monitoring.absence import Absence
from pol_oracle.agents.start import once_l1_is_there
from pol_oracle.protocol.errors import ChainError, InputError, NodeTrouble, Pruned, Unreachable, WrongChain


class Stop(threading.Event):
    """Lets nobody wait."""

    def __init__(self, tries: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._tries = tries

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.pauses.append(timeout)
        if len(self.pauses) == self._tries:
            self.set()
        return self.is_set()


def away(times: int, error: ChainError) -> Callable[[], str]:
    errors = [error] * times

    def connect() -> str:
        if errors:
            raise errors.pop()
        return "connected"

    return connect


def logger() -> Any:
    import structlog

    return structlog.get_logger("agent")


@pytest.mark.parametrize("error", [Unreachable("no answer"), NodeTrouble("HTTP 503"), ChainError("refused")])
def test_l1_that_is_away_at_the_start_is_waited_for_as_later(error: ChainError) -> None:
    stop = Stop(100)
    with capture_logs() as said:
        assert once_l1_is_there(away(9, error), stop, logger()) == "connected"

    assert stop.pauses == [1, 2, 4, 8, *[10] * 5]
    assert [(entry["event"], entry["tries"]) for entry in said] == [
        *(("l1 is away", tries) for tries in (1, 2, 4, 8)),
        ("going on", 9),
    ]
    assert all(entry["reason"] == str(error) for entry in said[:-1])


def test_whoever_waits_can_be_stopped() -> None:
    assert once_l1_is_there(away(100, Unreachable("no answer")), Stop(3), logger()) is None


@pytest.mark.parametrize("error", [WrongChain("another chain"), InputError("no RPC address")])
def test_what_waiting_does_not_mend_ends_it_at_once(error: Exception) -> None:
    def connect() -> None:
        raise error

    with pytest.raises(type(error)):
        once_l1_is_there(connect, Stop(3), logger())


def test_what_passes_only_if_somebody_does_something_is_an_error() -> None:
    with capture_logs() as said:
        Absence(logger()).note(Pruned("give another node"))
    assert [(entry["event"], entry["log_level"]) for entry in said] == [("there is nothing to begin from", "error")]


def test_how_long_it_lasts_is_said() -> None:
    now = [100.0]
    with capture_logs() as said:
        absence = Absence(logger(), lambda: now[0])
        for now[0] in (100.0, 112.4):
            absence.note(Unreachable("no answer"))
        now[0] = 130.0
        absence.over()

    assert [entry.get("since", entry.get("after")) for entry in said] == ["0 s", "12 s", "30 s"]
