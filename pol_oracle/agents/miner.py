"""The miner's loop: replays others' blocks, searches on the best of them, proposes, answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from pol_oracle.l1.sending.calls import CallResult
from pol_oracle.protocol.difficulty import to_bits
from pol_oracle.protocol.errors import InputError, PolError, StoreError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.rules import RuleSet
from pol_oracle.task.proof import Job, Proof
from pol_oracle.view import View

from .config import AgentConfig
from .monitoring.dashboard import Dashboard
from .monitoring.logs import log_to
from .monitoring.meter import Meter
from .monitoring.waiting import Wait, miner_wait
from .rules.actions import Action
from .rules.decide import choose_parent, decide_miner, outweighed, search_difficulty, useless
from .rules.knowledge import Miner
from .rules.verdicts import Answerer, Replay
from .runtime import Context, Loop, open_store, prepare_workload, stop_on_signals
from .start import joined
from .storage.kept import KeptStates
from .storage.published import PublishedStates
from .work.answer_worker import AnswerWorker
from .work.answerer import HonestAnswerer
from .work.follow import Ask, Follower
from .work.replay import Replayer
from .work.replay_queue import ReplayQueue
from .work.worker import Worker

_AHEAD = 2  # own proofs that may wait for L1 before the search pauses
# refusals of a proposal that are worth another try; a parent may be gone for as long as L1 reorganises
_TEMPORARY = frozenset({"InsufficientBond", "InsufficientFunds", "UnknownBlock", ""})


Produce = Callable[[Job, Ask], Proof]
"""Makes a proof in the background; its second argument asks "cancelled?". Raises PolError or Cancelled."""


class MinerLoop(Loop):
    """A bonded miner.

    Args:
        context: L1 and files.
        replay: checks others' blocks before they are built on.
        produce: makes a proof. This and the next can be replaced: demonstrations do.
        answer: computes what is demanded of its blocks.
        publish: under the paper's rules, puts its states where verifiers find them.
        kept: its own states, kept for as long as blocks that build on them are judged.
        dashboard: shows how the work goes, to whoever wants to know.
    """

    def __init__(
        self,
        context: Context,
        replay: Replay,
        produce: Produce,
        answer: Answerer,
        publish: PublishedStates | None = None,
        kept: KeptStates | None = None,
        dashboard: Dashboard | None = None,
    ) -> None:
        super().__init__(context)
        me, parameters, background = context.me, context.parameters, context.config.background
        self._background = background
        self._replay_queue = ReplayQueue(replay, context.memory, me, parameters, self.log, background)
        stagger = context.config.policy.turn(parameters)
        self._answer_worker = AnswerWorker(answer, me, parameters, stagger, self.log, background)
        self._produce = produce
        self._publish, self._kept = publish, kept
        self._dashboard = dashboard
        self._worker: Worker[tuple[Proof, int]] = Worker("search", background.spawn)
        self._proofs = context.memory.proofs()
        self._dead_ends: set[bytes] = set()
        self._not_before = self._publish_from = 0.0
        self._found: tuple[Proof, int] | None = None  # and not published yet
        self._behind = False  # heavier work waits to be replayed

    def think(self, view: View) -> Iterable[Action]:
        """See :class:`Loop`."""
        self._replay_queue.turn(view)
        self._answer_worker.turn(view, self.gas_price)
        self._take()
        for proof in useless(view, self._own(), self.context.parameters):
            self._drop(proof)
        own = self._own()
        self._steer(view, own)
        if self._kept is not None and self._whole:
            self._kept.tidy(view, [proof.post_root for proof in own.proofs])
        if self._publish is not None and self._whole:
            self._publish.tidy(view)
        if self._dashboard is not None:
            self._dashboard.turn(view, self.waits(view))
        return decide_miner(view, own, self.context.parameters, self.context.config.policy)

    def settled(self, result: CallResult) -> None:
        """Gives up a proof that L1 refused for good, and those on top of it."""
        if result.ok or not result.key.startswith("propose:"):
            return
        if result.error is not None and result.error.name in _TEMPORARY:
            return
        lost = {bytes.fromhex(result.key.removeprefix("propose:"))}
        for proof in list(self._proofs):  # oldest first, so a parent comes before its child
            block_id = proof.id(self.context.task_id)
            if block_id in lost or proof.parent in lost:
                lost.add(block_id)
                self._drop(proof)

    def waits(self, view: View) -> list[Wait]:
        """See :class:`Loop`."""
        chain_id = self.context.config.deployment.chain_id
        own = miner_wait(view, self.context.me, self.context.parameters, view.now, chain_id) if self._whole else None
        return [*super().waits(view), *([own] if own else [])]

    def close_workers(self, patience: float) -> None:
        """See :class:`Loop`."""
        self._worker.cancel()
        self._replay_queue.close(patience)
        self._answer_worker.close(patience)
        self._worker.close(patience)

    def _own(self) -> Miner:
        return Miner(
            self.context.me,
            self.context.task_id,
            dict(self._proofs),
            self._replay_queue.valid,
            self._answer_worker.answers,
            frozenset(self._dead_ends),
            self.gas_price,
        )

    def _take(self) -> None:
        """States first where they are published, then the journal, then (in later turns) the proposal."""
        done = self._worker.take() if self._found is None else None
        if done is not None:
            if isinstance(done.value, StoreError | InputError):
                if isinstance(done.value, InputError):  # it will not change
                    self._dead_ends.add(done.key)
                self.log.warning("cannot build on this block", parent=done.key.hex(), reason=str(done.value))
                self._not_before = self._background.again_at()
                return
            if isinstance(done.value, PolError):
                raise done.value
            self._found = done.value
        if self._found is None or self._background.clock() < self._publish_from:
            return
        proof, difficulty = self._found
        header = proof.header
        try:
            if self._publish is not None:
                self._publish.publish(proof)
        except StoreError as error:
            self.log.warning("cannot publish", nonce=header.nonce, reason=str(error))
            self._publish_from = self._background.again_at()
            return
        self._found = None
        self.context.memory.add_proof(header, difficulty)
        self._proofs.setdefault(header, difficulty)
        correct = header.correct_before, header.correct_after
        self.log.info("found", block=header.id(self.context.task_id).hex(), nonce=header.nonce, correct=correct)

    def _drop(self, proof: Header) -> None:
        del self._proofs[proof]
        self.context.memory.drop_proof(proof)

    def _steer(self, view: View, own: Miner) -> None:
        """Keeps the search on the right parent, and still while others' heavier work waits to be replayed.

        A replay that shares the machine with a search takes twice as long, and the own branch would lead for no other
        reason.
        """
        parent, ahead = choose_parent(view, own)
        behind = outweighed(view, own, parent, self._replay_queue.unjudged(view))
        busy = self._worker.key
        if busy is not None and (busy != parent.id or ahead >= _AHEAD or behind):
            self._worker.cancel()
        if behind and not self._behind:
            self.log.info("the search rests until a heavier branch is replayed", parent=parent.id.hex())
        self._behind = behind
        if busy is not None or ahead >= _AHEAD or behind or self._background.clock() < self._not_before:
            return
        difficulty = search_difficulty(view, own, parent, self.context.parameters)
        job = Job(parent.id, self.context.me, difficulty, parent.lineage)
        self.context.records.note(searching_on=parent.id.hex())
        self.log.info("searching", parent=parent.id.hex(), bits=to_bits(difficulty), ahead=ahead)
        self._worker.start(parent.id, lambda cancelled: (self._produce(job, cancelled), difficulty))


def run_miner(config: AgentConfig, stop: threading.Event | None = None) -> None:
    """Runs a miner until SIGINT, SIGTERM or ``stop``.

    Raises:
        PolError: it cannot start, or cannot go on; the message says why and what to do.
    """
    log_to(config.log_path, config.tell)
    store = open_store(config)
    if store.read_only and config.deployment.task.rule_set is RuleSet.PAPER:
        raise InputError(
            f"the store {store.places[0]} is read-only, and under the rule set paper a miner publishes its states: "
            "name a folder before it with --store"
        )
    context = joined(config, Role.MINER, stop)  # fails faster than what follows
    if context is None:
        return

    from pol_oracle.search import search_for, set_up_torch  # torch is loaded only where it is used

    from .production import Production

    set_up_torch(config.threads)
    workload = prepare_workload(config.deployment, config.cache, config.threads, config.store)
    search, meter = search_for(workload, config.rendezvous), Meter(len(workload.test))
    follower = Follower(
        workload,
        context.genesis_id,
        open_store(config, config.kept_path),
        meter.segment,
        config.kept_path,
        config.budget,
    )
    produce = Production(follower, search, meter)
    dashboard = Dashboard(meter, context.me, context.records, config.show, context.metrics)
    publish = None if workload.rules.derived_state else PublishedStates(store, workload.task.initial_root)
    replay, kept = Replayer(follower, accuracy=config.check_accuracy), KeptStates(config.kept_path)
    loop = MinerLoop(context, replay, produce, HonestAnswerer(follower), publish, kept, dashboard)
    try:
        loop.run(stop or stop_on_signals())
    finally:
        search.close()
