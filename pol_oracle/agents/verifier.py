"""The verifier's loop: replays pending blocks, attests to the right ones, proves the wrong ones, answers, settles."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from pol_oracle.l1.sending.calls import CallResult
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.types import BlockId
from pol_oracle.store import StateStore
from pol_oracle.view import View

from .config import AgentConfig
from .monitoring.logs import log_to
from .monitoring.waiting import Wait, count, verifier_wait
from .rules.actions import Action
from .rules.decide import decide_verifier
from .rules.demands import exhausted
from .rules.knowledge import Verifier
from .rules.verdicts import Answerer, Replay, Verdict
from .runtime import Context, Loop, header_store, open_store, prepare_workload, stop_on_signals
from .start import joined
from .storage.kept import FinalHeaders, FinalStates, KeptStates
from .work.answer_worker import AnswerWorker
from .work.answerer import HonestAnswerer
from .work.follow import Follower
from .work.replay import Replayer
from .work.replay_queue import ReplayQueue


class VerifierLoop(Loop):
    """A bonded verifier.

    Args:
        context: L1 and files.
        replay: checks one block; demonstrations put a lazy verifier's here.
        answer: computes what is demanded of blocks that it attested to.
        kept: its own states, kept for as long as blocks that build on them are judged.
        served: where it puts final states for others.
        headers: where it puts the headers of final blocks.
    """

    def __init__(
        self,
        context: Context,
        replay: Replay,
        answer: Answerer,
        kept: KeptStates | None = None,
        served: FinalStates | None = None,
        headers: FinalHeaders | None = None,
    ) -> None:
        super().__init__(context)
        self._kept, self._served, self._headers = kept, served, headers
        config, me = context.config, context.me
        self._replay_queue = ReplayQueue(replay, context.memory, me, context.parameters, self.log, config.background)
        stagger = config.policy.turn(context.parameters)
        self._answer_worker = AnswerWorker(answer, me, context.parameters, stagger, self.log, config.background)
        self._exhausted: set[bytes] = set()

    @property
    def verdicts(self) -> Mapping[BlockId, Verdict]:
        """What its replays found, by block id."""
        return self._replay_queue.verdicts

    def think(self, view: View) -> Iterable[Action]:
        """See :class:`Loop`."""
        self._replay_queue.turn(view)
        self._answer_worker.turn(view, self.gas_price)
        own = Verifier(
            self.context.me,
            self._replay_queue.verdicts,
            self._answer_worker.answers,
            self.gas_price,
        )
        self._tell_limits(view, own)
        self._tell_work(view)
        if self._served is not None:
            self._served.turn(view)
        if self._headers is not None:
            self._headers.turn(view)
        if self._kept is not None and self._whole:
            self._kept.tidy(view)
        return decide_verifier(view, own, self.context.parameters, self.context.config.policy)

    def settled(self, result: CallResult) -> None:
        """Ignores it: decisions follow from events alone."""

    def waits(self, view: View) -> list[Wait]:
        """See :class:`Loop`."""
        config, chain_id = self.context.config, self.context.config.deployment.chain_id
        wait = verifier_wait(view, self.context.me, self.context.parameters, config.policy, chain_id)
        own = wait if self._whole else None
        missing = [why.reason for block_id, why in self._replay_queue.unserved.items() if block_id in view.live]
        stuck = [
            Wait("replay", f"{count(len(missing), 'live block')} cannot be replayed yet: {why}") for why in missing[:1]
        ]
        return [*super().waits(view), *([own] if own else []), *stuck]

    def close_workers(self, patience: float) -> None:
        """See :class:`Loop`."""
        self._replay_queue.close(patience)
        self._answer_worker.close(patience)

    def _tell_work(self, view: View) -> None:
        busy, waiting = self._replay_queue.replaying, self._replay_queue.unjudged(view)
        more = sum(block.id != busy for block in waiting)
        self.context.records.note(replaying=busy.hex() if busy else None, to_replay=more)
        if self.context.metrics is not None:
            self.context.metrics.set({"pol_blocks_to_replay": more})

    def _tell_limits(self, view: View, own: Verifier) -> None:
        for block_id in exhausted(view, own, self.context.parameters):
            if block_id not in self._exhausted:
                self._exhausted.add(block_id)
                free = view.bond(own.me, Role.VERIFIER).free
                self.log.warning("no bond left to demand", block=block_id.hex(), free_wei=free)


def run_verifier(config: AgentConfig, stop: threading.Event | None = None) -> None:
    """Runs a verifier until SIGINT, SIGTERM or ``stop``.

    Raises:
        PolError: it cannot start, or cannot go on; the message says why and what to do.
    """
    log_to(config.log_path, config.tell)
    context = joined(config, Role.VERIFIER, stop)  # fails faster than what follows
    if context is None:
        return
    workload = prepare_workload(config.deployment, config.cache, config.threads, config.store)
    served, own = open_store(config), open_store(config, config.kept_path)
    follower = Follower(workload, context.genesis_id, own, home=config.kept_path, budget=config.budget)
    kept = KeptStates(config.kept_path)
    final = FinalStates(StateStore([config.kept_path]), served, workload.model)
    headers = FinalHeaders(header_store(StateStore(served.urls[:1]), config.deployment))
    loop = VerifierLoop(context, Replayer(follower), HonestAnswerer(follower), kept, final, headers)
    loop.run(stop or stop_on_signals())
