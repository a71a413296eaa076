"""The cheats, the colluders and the lazy verifier, each a process: ``python -m pol_oracle.demo.cheat --part ...``.

They run the honest agents' loop (same monitor, view, sender, journals) with another mind in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from pol_oracle import advice
from pol_oracle.agents.config import AgentConfig
from pol_oracle.agents.monitoring.logs import log_to
from pol_oracle.agents.rules.actions import Action, Propose
from pol_oracle.agents.rules.demands import replies
from pol_oracle.agents.rules.knowledge import Miner, Parent
from pol_oracle.agents.rules.verdicts import Valid, Verdict
from pol_oracle.agents.runtime import Context, Loop, open_context, open_store, prepare_workload, stop_on_signals
from pol_oracle.agents.verifier import VerifierLoop
from pol_oracle.agents.work.answer_worker import AnswerWorker
from pol_oracle.agents.work.follow import Follower
from pol_oracle.agents.work.replay_queue import ReplayQueue
from pol_oracle.agents.work.worker import Worker
from pol_oracle.evidence import Answer
from pol_oracle.fixtures.forged import steal
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.sending.calls import CallResult
from pol_oracle.protocol.errors import PolError, StoreError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.positions import Position
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView

from .cast import ROLES, DemoRole, assemble
from .colluder import Colluder
from .forgers import Bench, Forger, Forgery, forger_of


class CheatLoop(Loop):
    """Proposes forgeries for as long as it has a bond, and answers what is demanded of them, if it has answers.

    Args:
        context: L1 and files.
        forger: makes a forgery, in the background.
    """

    def __init__(self, context: Context, forger: Forger) -> None:
        super().__init__(context)
        self._forger = forger
        self._worker: Worker[Forgery] = Worker("forge", context.config.background.spawn)
        self._open: Header | None = None  # to be proposed, and not on L1 yet
        self._made: dict[bytes, Forgery] = {}
        config = context.config
        self._answer_worker = AnswerWorker(
            self._show,
            context.me,
            context.parameters,
            config.policy.turn(context.parameters),
            self.log,
            config.background,
        )

    def think(self, view: View) -> Iterable[Action]:
        """One forgery at a time, as long as there is a bond to lose."""
        self._answer_worker.turn(view, self.gas_price)
        context, answers = self.context, self._answer_worker.answers
        own = Miner(context.me, context.task_id, {}, (), answers, gas_price=self.gas_price)
        yield from replies(view, own, context.parameters, context.config.policy.turn(context.parameters))
        if (done := self._worker.take()) is not None:
            self._took(done.value)
        if self._open is not None and self._open.id(self.context.task_id) in view.blocks:
            self._open = None
        if self._open is None and self._worker.key is None and self._may_propose(view):
            target = self.target(view)
            if target is not None:
                parent = Parent(target.id, view.lineage(target.id))
                self._worker.start(target.id, lambda cancelled: self._forger(parent, cancelled))
        if self._open is not None:
            difficulty = self.context.config.deployment.parameters.difficulty
            yield Propose(self._open.id(self.context.task_id), self._open, difficulty)

    def target(self, view: View) -> BlockView | None:
        """The block to build on: the best without a friend's below it, who will be slashed."""
        return view.blocks[view.best(honest(view))]

    def settled(self, result: CallResult) -> None:
        """A refused proposal is forgotten; the next turn forges another."""
        if not result.ok:
            self._open = None

    def close_workers(self, patience: float) -> None:
        """See :class:`Loop`."""
        self._worker.close(patience)
        self._answer_worker.close(patience)

    def _show(self, block: BlockView, lineage: object, position: Position, cancelled: object) -> Answer:
        forgery = self._made.get(block.id)
        if forgery is None or forgery.answer is None:
            raise StoreError(f"it shows nothing: {position}")
        return forgery.answer(position)

    def _may_propose(self, view: View) -> bool:
        pending = any(b.miner == self.context.me for b in view.pending)
        bonded = view.bond(self.context.me, Role.MINER).free >= self.context.parameters.miner_bond
        return bonded and not pending  # what is slashed takes the bond along: whoever bonds again cheats again

    def _took(self, forged: Forgery | PolError) -> None:
        if isinstance(forged, PolError):
            raise forged
        self._open = forged.header
        self._made[forged.header.id(self.context.task_id)] = forged


class ThiefLoop(CheatLoop):
    """Copies pending proofs: first verbatim, and once the registry has refused that, adapted to its own seed."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, self._steal)
        self._refused = bool(context.memory.refusals())

    def target(self, view: View) -> BlockView | None:
        """The newest block that verifiers vouch for and no friend has made: why steal what is worth nothing?"""
        quorum, good = self.context.parameters.quorum, honest(view)
        branch = view.branch(view.best(good))
        return next((b for b in branch if len(b.attestations) >= quorum), None)

    def settled(self, result: CallResult) -> None:
        """Learns from the refusal."""
        super().settled(result)
        self._refused = self._refused or not result.ok

    def _steal(self, target: Parent, cancelled: object) -> Forgery:
        task = self.context.config.deployment.task
        return Forgery(steal(task, target.lineage[-1], self.context.me, adapted=self._refused))


class Prejudice(ReplayQueue):
    """Judges a block whatever it stands on: who replays nothing needs no parent."""

    def _stands(self, parent: BlockView) -> bool:
        return True


class ColluderLoop(VerifierLoop):
    """Vouches for friends, and attacks all others."""

    def __init__(self, context: Context) -> None:
        config = context.config
        judge = Colluder(cheats(), context.me, config.deployment.task)
        super().__init__(context, judge, silent)
        self._replay_queue = Prejudice(
            judge, context.memory, context.me, context.parameters, self.log, config.background
        )


def lazy(block: BlockView, lineage: object, shown: object, cancelled: object) -> Verdict:
    """Finds every block right without looking at it."""
    return Valid(block.id)


def silent(block: BlockView, lineage: object, position: Position, cancelled: object) -> Answer:
    """Answers no demand: who never looked at a block has nothing to show of it."""
    raise StoreError(f"nothing to show: {position}")


@cache
def cheats() -> frozenset[str]:
    """Addresses of the cheating miners: they know each other, and the colluders know them."""
    cast = assemble({dev: dev_account(dev).address for dev in range(1, len(ROLES) + 1)})
    return frozenset(party.address for party in cast if party.part.cheats)


def honest(view: View) -> set[bytes]:
    """Returns the live blocks that have no cheat's below them."""
    friends, good = cheats(), {view.finalized_tip}
    for block in view.live.values():
        if block.parent in good and block.miner not in friends:
            good.add(block.id)
    return good


def run(part: DemoRole, config: AgentConfig) -> None:
    """Runs one of them until SIGINT or SIGTERM.

    Raises:
        PolError: it cannot start, or cannot go on.
    """
    log_to(config.log_path)
    careless = replace(config, policy=replace(config.policy, explains=False))  # all it has is one block's bond
    loop: Loop
    if part is DemoRole.LAZY:
        loop = VerifierLoop(open_context(config, Role.VERIFIER), lazy, silent)
    elif part is DemoRole.COLLUDER:
        loop = ColluderLoop(open_context(config, Role.VERIFIER))
    elif part is DemoRole.THIEF:
        loop = ThiefLoop(open_context(careless, Role.MINER))
    else:
        workload, context = prepare_workload(config.deployment, config.cache), open_context(careless, Role.MINER)
        follower = Follower(workload, context.genesis_id, open_store(config, config.kept_path))
        difficulty = config.deployment.parameters.difficulty  # of all blocks: the demo's task does not retarget
        loop = CheatLoop(context, forger_of(part, Bench(follower, context.me, difficulty)))
    loop.run(stop_on_signals())


def main() -> None:
    """Reads the command line that :mod:`.stage` wrote."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=lambda name: DemoRole[name], required=True)
    parser.add_argument("--dev", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--home", type=Path, required=True)
    given = parser.parse_args()
    with advice.given({"--home": str(given.home)}):  # what it is refused is told with what helps
        config = AgentConfig(
            deployment=Deployment.load(given.home / "deployment.json"),
            account=dev_account(given.dev),
            name=given.name,
            folder=given.home / "agents",
            cache=given.home / "data",
        )
        run(given.part, config)


if __name__ == "__main__":
    main()
