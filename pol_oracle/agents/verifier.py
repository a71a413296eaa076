"""The verifier's loop: replays pending blocks, attests to the right ones, proves the wrong ones, answers, settles."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from pol_oracle.chain.sender import Result
from pol_oracle.evidence import pieces_of
from pol_oracle.protocol.lifecycle import Role

from .actions import Action
from .answerer import StoreAnswerer, describer
from .clerk import Clerk
from .config import AgentConfig
from .decide import decide_verifier
from .demands import exhausted
from .kept import KeptStates
from .knowledge import Describe, Verifier
from .logs import log_to
from .replay import Replayer
from .respond import Sealer
from .reviewer import Reviewer
from .runtime import Context, Loop, open_context, open_store, prepare_workload, stop_on_signals
from .verdicts import Answerer, Replay, Verdict
from .view import View

_REST_OF_A_DISPUTE = 16  # demands that may follow those for a whole W


class VerifierLoop(Loop):
    """A bonded verifier.

    Args:
        context: L1 and files.
        replay: checks one block; demonstrations put a lazy verifier's here.
        answer: computes what is demanded of blocks that it attested to.
        describe: opens the descriptor that goes with a demand.
        kept: its own copies of weights, kept for as long as the block is judged.
    """

    def __init__(
        self, context: Context, replay: Replay, answer: Answerer, describe: Describe, kept: KeptStates | None = None
    ) -> None:
        super().__init__(context)
        self._kept = kept
        config, me = context.config, context.me
        window = context.parameters.challenge_window
        self._reviewer = Reviewer(replay, context.memory, me, self.log, config.retry_s, window, config.policy)
        self._clerk = Clerk(answer, me, context.parameters, config.policy.stagger, self.log, config.retry_s)
        self._seal = Sealer(config.account)
        self._describe = describe
        self._exhausted: set[bytes] = set()

    @property
    def verdicts(self) -> Mapping[bytes, Verdict]:
        """What its replays found, by block id."""
        return self._reviewer.verdicts

    def think(self, view: View) -> Iterable[Action]:
        """See :class:`Loop`."""
        self._reviewer.turn(view)
        self._clerk.turn(view)
        own = Verifier(
            self.context.me,
            self._reviewer.verdicts,
            self._seal,
            self._describe,
            self._clerk.answers,
            self.context.config.depth,
        )
        self._tell_limits(view, own)
        if self._kept is not None:
            self._kept.tidy(view, self._reviewer.candidates(view))
        return decide_verifier(view, own, self.context.parameters, self.context.config.policy)

    def settled(self, result: Result) -> None:
        """Ignores it: decisions follow from events alone."""

    def close_workers(self, patience: float) -> None:
        """See :class:`Loop`."""
        self._reviewer.close(patience)
        self._clerk.close(patience)

    def _tell_limits(self, view: View, own: Verifier) -> None:
        policy = self.context.config.policy
        for block_id in exhausted(view, own, self.context.parameters, policy):
            if block_id not in self._exhausted:
                self._exhausted.add(block_id)
                free = view.bond(own.me, Role.VERIFIER).free
                self.log.warning("spending limit", block=block_id.hex(), demands=policy.max_demands, free_wei=free)


def run_verifier(config: AgentConfig, stop: threading.Event | None = None) -> None:
    """Runs a verifier until SIGINT, SIGTERM or ``stop``.

    Raises:
        PolError: it cannot start, or cannot go on; the message says why and what to do.
    """
    log_to(config.log_path, config.tell)
    context = open_context(config, Role.VERIFIER)  # fails faster than what follows
    workload = prepare_workload(config.deployment, config.cache, config.threads)
    kept = KeptStates(config.kept_path)
    own_first = open_store(config, kept.folder)
    replay, answer = Replayer(workload, own_first, keep=kept.keep), StoreAnswerer(workload, own_first)
    loop = VerifierLoop(context, replay, answer, describer(workload), kept)
    needed = len(pieces_of(workload.model)) + _REST_OF_A_DISPUTE
    if config.policy.max_demands < needed:
        loop.log.warning("too few demands for withheld weights", max_demands=config.policy.max_demands, needed=needed)
    loop.run(stop or stop_on_signals())
