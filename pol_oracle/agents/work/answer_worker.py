"""Computes answers to demands in the background, before their deadlines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pol_oracle.protocol.errors import ArithmeticFault, PolError
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.positions import Position
from pol_oracle.protocol.types import Address, BlockId, Seconds, Wei
from pol_oracle.view import View
from pol_oracle.view.blocks import DemandView

from ..rules.demands import due_answers
from ..rules.verdicts import Answerer
from .worker import Background, Done, Worker

if TYPE_CHECKING:
    from pol_oracle.evidence import Answer


class AnswerWorker:
    """Answers one demand at a time, the most urgent first.

    Args:
        answer: computes an answer.
        me: the agent's address.
        parameters: of the deployment.
        stagger: seconds of L1 time between one agent's turn and the next one's.
        log: structured logger.
        background: how answers are computed.

    Attributes:
        answers: (block id, position) -> the answer, while it is due.
    """

    def __init__(
        self,
        answer: Answerer,
        me: Address,
        parameters: Parameters,
        stagger: Seconds,
        log: Any,
        background: Background,
    ) -> None:
        self.answers: dict[tuple[BlockId, Position], Answer] = {}
        self._answer = answer
        self._me = me
        self._parameters, self._stagger = parameters, stagger
        self._log = log
        self._background = background
        self._worker: Worker[Answer] = Worker("answer", background.spawn)
        self._failures: dict[bytes, int] = {}
        self._not_before: dict[bytes, float] = {}

    def turn(self, view: View, gas_price: Wei) -> None:
        """Takes what was computed and starts on the next answer that is due, at so many wei per gas."""
        demands = due_answers(view, self._me, self._parameters, self._stagger, gas_price)
        due = {demand.id: demand for demand in demands}
        if self._worker.key is not None and self._worker.key not in due:
            self._worker.cancel()
        done = self._worker.take()
        if done is not None and done.key in due:
            self._took(due[done.key], done)
        wanted = {(demand.block_id, demand.position) for demand in due.values()}
        self.answers = {key: answer for key, answer in self.answers.items() if key in wanted}
        if self._worker.key is None:
            self._start(view, [d for d in due.values() if self._wanted(d)])

    def close(self, patience: float) -> None:
        """Ends the background thread."""
        self._worker.close(patience)

    def _wanted(self, demand: DemandView) -> bool:
        rested = self._not_before.get(demand.id, 0) <= self._background.clock()
        return rested and (demand.block_id, demand.position) not in self.answers

    def _start(self, view: View, waiting: list[DemandView]) -> None:
        if not waiting:
            return
        demand = min(waiting, key=lambda d: (self._failures.get(d.id, 0), d.deadline))
        block, position = view.blocks[demand.block_id], demand.position
        lineage = view.lineage(block.parent)
        self._worker.start(demand.id, lambda cancelled: self._answer(block, lineage, position, cancelled))

    def _took(self, demand: DemandView, done: Done[Answer]) -> None:
        """A demand that cannot be answered must not end the agent: anybody can make one."""
        about = {"block": demand.block_id.hex(), "demanded": str(demand.position)}
        if isinstance(done.value, ArithmeticFault):
            raise done.value
        if isinstance(done.value, PolError):
            failures = self._failures[demand.id] = self._failures.get(demand.id, 0) + 1
            self._not_before[demand.id] = self._background.again_at(failures)
            self._log.warning("cannot answer", **about, failures=failures, reason=str(done.value))
            return
        self.answers[demand.block_id, demand.position] = done.value
        self._log.info("answer", **about)
