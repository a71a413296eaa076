"""The verifier's loop: replays pending blocks, attests to the right ones, challenges the wrong ones, votes, settles."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from pol_oracle.chain.sender import Result
from pol_oracle.protocol.lifecycle import Role

from .actions import Action
from .config import AgentConfig
from .decide import Verifier, decide_verifier
from .logs import log_to
from .replay import Replayer
from .respond import Sealer
from .reviewer import Replay, Reviewer
from .runtime import Context, Loop, open_context, open_store, prepare_workload, stop_on_signals
from .view import View


class VerifierLoop(Loop):
    """A bonded verifier.

    Args:
        context: L1 and files.
        replay: checks one block; the seam where demonstrations put a lazy verifier.
    """

    def __init__(self, context: Context, replay: Replay) -> None:
        super().__init__(context)
        self._reviewer = Reviewer(replay, context.memory, context.me, self.log, context.config.retry_s)
        self._seal = Sealer(context.config.account)

    def think(self, view: View) -> Iterable[Action]:
        """See :class:`Loop`."""
        self._reviewer.turn(view)
        own = Verifier(self.context.me, self._reviewer.verdicts, self._reviewer.unserved, self._seal)
        return decide_verifier(view, own, self.context.parameters, self.context.config.policy)

    def settled(self, result: Result) -> None:
        """Nothing hangs on it: decisions follow from events."""

    def close_workers(self, patience: float) -> None:
        """See :class:`Loop`."""
        self._reviewer.close(patience)


def run_verifier(config: AgentConfig, stop: threading.Event | None = None) -> None:
    """Runs a verifier until SIGINT, SIGTERM or ``stop``.

    Raises:
        PolError: it cannot start, or cannot go on; the message says why and what to do.
    """
    log_to(config.log_path, config.tell)
    store, context = open_store(config), open_context(config, Role.VERIFIER)  # fails faster than what follows
    replay = Replayer(prepare_workload(config.deployment, config.cache, config.threads), store)
    VerifierLoop(context, replay).run(stop or stop_on_signals())
