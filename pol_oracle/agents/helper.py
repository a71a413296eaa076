"""A process that helps a miner search: it follows the chain to compute W, and needs no account."""

from __future__ import annotations

import threading

import structlog

from pol_oracle.canonical.state import State
from pol_oracle.chain.client import Client
from pol_oracle.chain.monitor import Monitor
from pol_oracle.protocol.errors import ChainError, WrongChain

from .config import HelperConfig
from .follow import Follower
from .kept import KeptStates
from .logs import log_to
from .runtime import open_store, prepare_workload, stop_on_signals
from .view import History
from .worker import Cancelled

log = structlog.get_logger(__name__)


class ChainStates:
    """Computes W of blocks that L1 shows.

    Args:
        config: names the deployment.
        follower: computes states.
        stop: ends a computation.
    """

    def __init__(self, config: HelperConfig, follower: Follower, stop: threading.Event) -> None:
        deployment = config.deployment
        client = Client.connect(config.rpc or deployment.rpc, deployment)
        self._monitor = Monitor(client, deployment.deployed_at, deployment.confirmations)
        self._history = History(bytes.fromhex(deployment.genesis_id.removeprefix("0x")))
        self._follower, self._kept, self._stop = follower, KeptStates(config.kept_path), stop

    def __call__(self, parent: bytes) -> State | None:
        """Returns W of a block's children; None if L1 does not show the block, or does not answer."""
        try:
            update = self._monitor.poll()
        except WrongChain:
            raise
        except ChainError as error:
            log.warning("l1 is away", reason=str(error))
            return None
        view = self._history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
        if update.whole:
            self._kept.tidy(view)
        if parent not in view.blocks:
            return None
        try:
            return self._follower.end(parent, view.lineage(parent), self._stop.is_set)
        except Cancelled:
            return None


def run_helper(config: HelperConfig, stop: threading.Event | None = None) -> None:
    """Tries nonces for a leading miner, until that goes away.

    Raises:
        PolError: the leader cannot be found, is gone, or mines another task, or L1 cannot be reached at the start.
    """
    from pol_oracle.search import help_leader, set_up_torch  # torch is loaded only where it is used

    log_to(config.log_path, config.tell)
    set_up_torch(config.threads)
    stop = stop or stop_on_signals()
    workload = prepare_workload(config.deployment, config.cache, config.threads, config.store)
    genesis_id = bytes.fromhex(config.deployment.genesis_id.removeprefix("0x"))
    follower = Follower(workload, genesis_id, open_store(config, config.kept_path))
    help_leader(workload, config.meeting, ChainStates(config, follower, stop), stop)
