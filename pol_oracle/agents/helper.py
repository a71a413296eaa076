"""A process that helps a miner search: it follows the chain to compute W, and needs no account."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import reduce

import structlog

from pol_oracle.canonical.state import State
from pol_oracle.l1.client import Client
from pol_oracle.protocol.derivation import batch, seed
from pol_oracle.protocol.errors import ChainError, InputError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.types import BlockId
from pol_oracle.task import Workload
from pol_oracle.view import History, View
from pol_oracle.view.lineage import Chain, Lineage

from .config import HelperConfig
from .monitoring.absence import Absence
from .monitoring.logs import log_to
from .runtime import open_events, open_store, prepare_workload, stop_on_signals
from .start import once_l1_is_there
from .storage.kept import KeptStates
from .work.follow import Follower
from .work.worker import Cancelled

log = structlog.get_logger(__name__)


class ChainStates:
    """Computes W of blocks that L1 shows, or that follow from one by headers that the leader hands over.

    Args:
        config: names the deployment.
        client: connected to it.
        follower: computes states.
        stop: ends a computation.
    """

    def __init__(self, config: HelperConfig, client: Client, follower: Follower, stop: threading.Event) -> None:
        deployment = config.deployment
        self._events = open_events(client, config, deployment.confirmations, None)
        self._history = History(bytes.fromhex(deployment.genesis_id.removeprefix("0x")))
        self._follower, self._kept, self._stop = follower, KeptStates(config.kept_path), stop
        self._absence = Absence(log)
        self._wrong: bytes | None = None  # the parent that was last handed over and does not follow from the chain

    def __call__(self, parent: BlockId, headers: Sequence[Header] = ()) -> State | None:
        """Returns W of a block's children.

        Args:
            parent: the block.
            headers: of the newest blocks up to it, if the leader says so; whatever they are, they do no harm.

        Returns:
            None if neither L1 nor those headers lead to the block, or L1 does not answer.
        """
        try:
            update = self._events.poll()
        except ChainError as error:
            self._absence.note(error)
            return None
        self._absence.over()
        if update is None:
            return None
        view = self._history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
        self._history.forget(update.firm)
        if update.whole:
            self._kept.tidy(view)
        try:
            if parent in view.blocks:
                return self._follower.end(parent, view.lineage(parent), self._stop.is_set)
            lineage = handed(view, self._follower.workload, parent, headers)
            return None if lineage is None else self._ahead(parent, lineage)
        except Cancelled:
            return None

    def _ahead(self, parent: BlockId, lineage: Lineage) -> State | None:
        if parent == self._wrong:
            return None
        try:
            return self._follower.end(parent, lineage, self._stop.is_set)
        except InputError as error:
            self._wrong = parent
            log.warning("the leader's parent does not follow from the chain", parent=parent.hex(), reason=str(error))
            return None


def handed(view: View, workload: Workload, parent: BlockId, headers: Sequence[Header]) -> Lineage | None:
    """Returns the lineage of a block that L1 does not show, or None where headers do not lead to it.

    Each must have the id that the one above names, and the batch that L1 would ask of it. Whether its states are right
    is seen when they are computed.

    Args:
        view: what L1 shows.
        workload: the task.
        parent: the block's id.
        headers: of the newest blocks up to it, as somebody says.
    """
    task, above = workload.task, list[Header]()
    for header in reversed(headers):
        drawn = seed(task.rules, task.id, header.parent, header.miner, header.nonce)
        if header.id(task.id) != parent or header.indices != batch(drawn, task.batch_size, task.train_count):
            return None
        above.append(header)
        parent = header.parent
        if parent in view.blocks:
            return reduce(Chain, reversed(above), view.lineage(parent))
    return None


def run_helper(config: HelperConfig, stop: threading.Event | None = None) -> None:
    """Tries nonces for a leading miner, until that goes away.

    Raises:
        PolError: the leader cannot be found, is gone, or mines another task.
    """
    from pol_oracle.search import help_leader, set_up_torch  # torch is loaded only where it is used

    log_to(config.log_path, config.tell)
    deployment, stop = config.deployment, stop or stop_on_signals()
    client = once_l1_is_there(lambda: Client.connect(config.rpc or deployment.rpc, deployment), stop, log)
    if client is None:
        return
    set_up_torch(config.threads)
    workload = prepare_workload(deployment, config.cache, config.threads, config.store)
    genesis_id = bytes.fromhex(deployment.genesis_id.removeprefix("0x"))
    follower = Follower(workload, genesis_id, open_store(config, config.kept_path))
    help_leader(workload, config.rendezvous, ChainStates(config, client, follower, stop), stop)
