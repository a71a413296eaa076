"""What a helper does: it searches along with a leader, and tells it of candidates."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import ArithmeticFault
from pol_oracle.protocol.header import Header
from pol_oracle.task import Workload
from pol_oracle.task.proof import Job

from .crew import Board, Rendezvous, SearchOrder
from .draws import Nonces
from .grouped.passes import Passes, groups_for
from .torch_models import pick_device

log = structlog.get_logger(__name__)

PAUSE_S = 0.1  # before the board is looked at again
LONG_PAUSE_S = 0.5  # before it is asked again whether the leader's parent is known by now

StateOf = Callable[[bytes, tuple[Header, ...]], State | None]
"""Computes W of a block's children from its id and headers that the leader says lead to it; None if it does not know of
the block yet."""


def help_leader(
    workload: Workload,
    rendezvous: Rendezvous,
    state_of: StateOf,
    stop: threading.Event | None = None,
    groups: int | None = None,
) -> None:
    """Searches along with a leader until it is gone, or until ``stop``.

    Args:
        workload: the task, the same as the leader's.
        rendezvous: where the leader is found.
        state_of: computes W.
        stop: asked between passes.
        groups: G, nonces of a pass; None takes what suits the device.

    Raises:
        Unreachable: the leader is gone.
        InputError: it mines another task.
        ArithmeticFault: this process computes another W than the leader.
    """
    board, stop = Board(rendezvous, workload.task.id), stop or threading.Event()
    device = pick_device(rendezvous.local)
    passes, groups = Passes(workload, device), groups or groups_for(workload, device)
    root: bytes | None = None  # of the W that is loaded
    unknown: bytes | None = None  # the parent that was last looked for in vain
    while not stop.is_set():
        order = board.order()
        if order is not None and order.root == root:
            job = Job(order.parent, "0x" + order.miner.hex(), order.difficulty)
            for draw in passes.run(Nonces(workload, job), board.claim(order, groups)):
                board.tell(order, draw.nonce)
        elif order is None:
            stop.wait(PAUSE_S)
        elif (state := _state(order, state_of)) is None:
            if order.parent != unknown:
                unknown = order.parent
                log.info("the leader's parent is not known yet", parent=order.parent.hex())
            stop.wait(LONG_PAUSE_S)
        else:
            passes.load(state)
            root = state.root


def _state(order: SearchOrder, state_of: StateOf) -> State | None:
    state = state_of(order.parent, order.headers)
    if state is not None and state.root != order.root:
        raise ArithmeticFault(f"this process and the leader compute different weights after {order.parent.hex()}")
    return state
