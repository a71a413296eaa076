"""Demands, explanations among them, as the events tell of them: a part of the view's fold."""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatchmethod

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.errors import WrongChain
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.protocol.types import Address, DemandId

from .blocks import DemandView

Disputed = (
    ev.Demanded
    | ev.Revealed
    | ev.DeadlineMoved
    | ev.DemandExpired
    | ev.DemandSettled
    | ev.ExplanationDemanded
    | ev.Explained
    | ev.ExplanationRefuted
    | ev.ExplanationMoved
    | ev.ExplanationExpired
    | ev.ExplanationSettled
)
"""An event about one demand."""


class Disputes:
    """All demands.

    Attributes:
        all: demand id -> demand.
        open: demand id -> demand: those about pending blocks that nobody has answered, in L1 order.
    """

    def __init__(self) -> None:
        self.all: dict[DemandId, DemandView] = {}
        self.open: dict[DemandId, DemandView] = {}

    def close(self, demands: Iterable[DemandView]) -> None:
        """Their block is in a final state: nothing of it can be shown any more."""
        for demand in demands:
            self.open.pop(demand.id, None)

    @singledispatchmethod
    def apply(self, event: Disputed) -> DemandView:
        """Takes in an event; returns the demand that it is about."""
        raise NotImplementedError(type(event).__name__)

    @apply.register
    def _(self, event: ev.Demanded) -> DemandView:
        return self._demanded(event, event.position)

    @apply.register
    def _(self, event: ev.ExplanationDemanded) -> DemandView:
        return self._demanded(event, Position(Item.ROOTS, event.tree, event.sample))

    @apply.register
    def _(self, event: ev.Revealed) -> DemandView:
        return self._answered(event, event.responder)

    @apply.register
    def _(self, event: ev.Explained) -> DemandView:
        demand = self._answered(event, event.author)
        demand.trace_root = event.trace_root
        return demand

    @apply.register
    def _(self, event: ev.ExplanationRefuted) -> DemandView:
        demand = self.open[_id(event)] = self._known(event)
        demand.answer = demand.responder = None
        demand.trace_root, demand.opened_at, demand.deadline = ZERO, event.at.timestamp, event.deadline
        return demand

    @apply.register
    def _(self, event: ev.DeadlineMoved | ev.ExplanationMoved) -> DemandView:
        demand = self._known(event)
        demand.deadline = event.deadline
        return demand

    @apply.register
    def _(self, event: ev.DemandExpired | ev.ExplanationExpired) -> DemandView:
        demand = self._known(event)
        demand.expired = True
        self.open.pop(_id(event), None)
        return demand

    @apply.register
    def _(self, event: ev.DemandSettled | ev.ExplanationSettled) -> DemandView:
        demand = self._known(event)
        demand.settled_at = event.at.timestamp
        return demand

    def _known(self, event: Disputed) -> DemandView:
        demand_id = _id(event)
        if demand_id not in self.all:
            raise WrongChain(
                f"an event names demand {demand_id.hex()}, which was never made here: "
                "check genesis id and start block of the deployment file"
            )
        return self.all[demand_id]

    def _demanded(self, event: ev.Demanded | ev.ExplanationDemanded, position: Position) -> DemandView:
        demand = self.all[_id(event)] = self.open[_id(event)] = DemandView(
            id=_id(event),
            block_id=event.block_id,
            demander=event.demander,
            position=position,
            deadline=event.deadline,
            opened_at=event.at.timestamp,
            order=event.order,
        )
        return demand

    def _answered(self, event: ev.Revealed | ev.Explained, responder: Address) -> DemandView:
        demand = self._known(event)
        demand.answer, demand.responder, demand.answered_at = event.answer, responder, event.at.timestamp
        self.open.pop(_id(event), None)
        return demand


def _id(event: Disputed) -> bytes:
    """Of the demand: L1 knows explanations by block, tree and sample."""
    if isinstance(
        event,
        ev.Demanded | ev.Revealed | ev.DeadlineMoved | ev.DemandExpired | ev.DemandSettled,
    ):
        return event.demand_id
    return Position(Item.ROOTS, event.tree, event.sample).demand_id(event.block_id)
