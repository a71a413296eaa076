"""One cheating miner, one honest verifier, and nine colluders who attest to whatever the cheat proposes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eth_account.signers.local import LocalAccount

from pol_oracle.agents.answerer import describer
from pol_oracle.agents.blocks import BlockView
from pol_oracle.agents.job import Job
from pol_oracle.agents.miner import MinerLoop
from pol_oracle.agents.replay import Replayer
from pol_oracle.agents.verifier import VerifierLoop
from pol_oracle.agents.worker import Cancelled
from pol_oracle.evidence import Answer, answer_to
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Position
from pol_oracle.store import StateStore
from pol_oracle.task import Workload
from tests.adversaries.forging import Forgery
from tests.e2e.stage import Stage, believe

COLLUDERS = 9

Twist = Callable[[Answer], Answer]


@dataclass(frozen=True)
class Found:
    """What the cheat's search gives its loop."""

    header: Header


@dataclass
class Arena:
    """The scene of one dispute.

    Attributes:
        stage: L1 with the real task's contracts.
        workload: the task.
        store: where the cheat publishes, and the honest verifier reads.
        made: a right block of the cheat's, to start from.
        accounts: well-known ones of the devnet.
    """

    stage: Stage
    workload: Workload
    store: StateStore
    made: Forgery
    accounts: list[LocalAccount]
    colluders: list[Any] = field(default_factory=list)

    @property
    def cheat(self) -> LocalAccount:
        """The cheating miner."""
        return self.accounts[1]

    @property
    def honest(self) -> LocalAccount:
        """The only honest verifier."""
        return self.accounts[2]

    def convicts(
        self, forgery: Forgery, kind: EvidenceKind, *, demands: int | None = None, answer: Answerer_ = None
    ) -> BlockView:
        """Lets a forged block meet the honest verifier; checks that it is slashed in time, and who loses.

        Args:
            forgery: the block.
            kind: what it must be slashed for.
            demands: how many demands that takes, if it is not left open.
            answer: how the cheat answers demands, if not from what it holds.
        """
        verifier = self._verifier()
        before = self._worth(self.honest, Role.VERIFIER)
        cheat = self._cheat(forgery, answer or self._from(forgery))
        self.stage.until(lambda: len(cheat.view.blocks) == 2, patient=True)
        self._attest_all(forgery.header.id(self.workload.task.id))

        view = verifier.view
        self.stage.until(lambda: self._over(verifier), limit=300, patient=True)
        view = verifier.view
        (block,) = [b for b in view.blocks.values() if b.header is not None]

        assert (block.status, block.slashed_for) == (Status.SLASHED, kind)
        assert block.closed_at is not None
        if demands is not None:
            assert len(block.demands) == demands
        window = self.stage.deployment.parameters.challenge_window
        assert block.closed_at < block.proposed_at + window + self._late(block)
        assert self._worth(self.honest, Role.VERIFIER) > before
        self._check_losers(kind)
        return block

    def _verifier(self) -> VerifierLoop:
        replay = Replayer(self.workload, self.store)
        return self.stage.verifier(self.honest, replay, describe=describer(self.workload))

    def _cheat(self, forgery: Forgery, answer: Any) -> MinerLoop:
        done: list[Found] = []

        def produce(job: Job, cancelled: Callable[[], bool]) -> Any:
            if done:
                raise Cancelled
            done.append(Found(forgery.header))
            return done[0]

        def publish(_: Any) -> None:
            for root, content in forgery.published().items():
                self.store.put(root, content)

        return self.stage.mining(self.cheat, believe, produce, publish, answer)

    def _from(self, forgery: Forgery) -> Any:
        def answer(block: BlockView, position: Position, cancelled: Callable[[], bool]) -> Answer:
            if not forgery.answers:
                raise StoreError("it shows nothing")
            return answer_to(position, self.workload.programs, forgery)

        return answer
