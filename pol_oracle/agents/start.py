"""How an agent starts while L1 is away: it waits, and says so as it does later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from pol_oracle.protocol.errors import ChainError
from pol_oracle.protocol.lifecycle import Role

from .config import AgentConfig
from .monitoring.absence import Absence
from .runtime import Context, open_context

PAUSE_S = 0.5  # between the first two looks for an L1 that is away

Opened = TypeVar("Opened")


def once_l1_is_there(open_: Callable[[], Opened], stop: threading.Event | None, log: Any) -> Opened | None:
    """Opens what needs L1, again and again while L1 is away; None if ``stop`` is set before it is there.

    Args:
        open_: may raise ``ChainError``, and then leaves nothing open.
        stop: ends the waiting.
        log: of the agent.
    """
    absence, stop = Absence(log), stop or threading.Event()
    while not stop.is_set():
        try:
            opened = open_()
        except ChainError as error:
            absence.note(error)
            stop.wait(absence.pause_s(PAUSE_S))
        else:
            absence.over()
            return opened
    return None


def joined(config: AgentConfig, role: Role, stop: threading.Event | None) -> Context | None:
    """Connects to L1 as soon as it is there, and opens the agent's files; None if ``stop`` is set before that.

    Raises:
        InputError: see :func:`open_context`.
        WrongChain: L1 holds another deployment.
    """
    log = structlog.get_logger("agent").bind(agent=config.name)
    return once_l1_is_there(lambda: open_context(config, role), stop, log)
