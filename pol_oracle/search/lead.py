"""The two sides of a crew's round: the leader's, inside its search, and a helper's, which is all that a helper does."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import structlog

from pol_oracle.protocol.errors import ProcessLost
from pol_oracle.task import Workload

from .attempt import Attempt, Block, Nonces
from .crew import Crew, Meeting, Order
from .grouped_network import GroupedNetwork
from .passes import Passes, Round
from .plan import Plan
from .torch_models import pick_device

log = structlog.get_logger(__name__)


class Lead:
    """The leader's side.

    Args:
        crew: the leader's part in it.
        network: holds W.
        passes: makes the leader's own passes.
    """

    def __init__(self, crew: Crew, network: GroupedNetwork, passes: Passes) -> None:
        self._crew, self._network, self._passes = crew, network, passes

    def round(self, attempt: Attempt, first: int, plan: Plan) -> Round:
        """Tries the next nonces of a W, one pass in every process; leaves the mean gradient in the network.

        When a process dies meanwhile, the leader's own pass counts, and the next round is made by those alive.
        """
        crew, own, size = self._crew, None, self._crew.size
        block = attempt.block
        try:
            if crew.knocked():
                self._assemble()
                size = crew.size
            if size > 1:
                miner = bytes.fromhex(block.miner[2:])
                order = (block.difficulty, first, plan.groups, plan.mixed, block.parent.id, miner, attempt.root)
                crew.share(Order(True, *order), self._network.module)
            own = self._passes.run(attempt.nonces, first, plan.groups, mixed=plan.mixed)
            if size == 1:
                return own
            tries = size * own.tries
            found = crew.collect(self._network.module, [draw.nonce - first for draw in own.candidates], tries)
            return Round(tries, [attempt.nonces.draw(first + number) for number in found], own.loss)
        except ProcessLost as error:
            log.warning("going on without it", reason=str(error))
            self._assemble_living()
            return own or self._passes.run(attempt.nonces, first, plan.groups, mixed=plan.mixed)

    @property
    def processes(self) -> int:
        """How many take part, this one included."""
        return self._crew.size

    def close(self) -> None:
        """Lets the helpers go."""
        self._crew.close()

    def _assemble(self) -> None:
        """Sends all to the door, where a new generation begins."""
        if self._crew.size > 1:
            self._crew.share(Order(False), self._network.module)
        self._assemble_living()

    def _assemble_living(self) -> None:
        """Forms a generation; whoever signs up and dies before it has begun is not waited for again."""
        while True:
            try:
                return self._crew.assemble()
            except ProcessLost as error:
                log.warning("forming the crew again", reason=str(error))


@dataclass(frozen=True)
class _Somewhere:
    """A parent of which a helper knows the id."""

    id: bytes
    correct_after: int = 0


def help_leader(workload: Workload, meeting: Meeting, stop: threading.Event | None = None) -> None:
    """Makes passes for a leader until it is gone, or until ``stop``.

    Args:
        workload: the task, the same as the leader's.
        meeting: where the leader is found.
        stop: asked between passes.

    Raises:
        Unreachable: the leader is gone.
        InputError: it mines another task.
    """
    crew = Crew(meeting, workload.task.id)
    device = pick_device(meeting.local)
    network = GroupedNetwork(workload.model, device, workload.task.batch_size)
    network.load(workload.initial)
    passes = Passes(workload, network, device)
    stopped = (stop or threading.Event()).is_set
    knock, joined = True, False
    try:
        while not stopped():
            try:
                if not joined and not crew.join(knock=knock, should_stop=stopped):
                    break
                joined = _serve(workload, crew, network, passes)
            except ProcessLost as error:
                log.warning("waiting for the leader", reason=str(error))
                joined = False
            knock = False  # from now on the leader begins a new generation by itself
    finally:
        crew.close()


def _serve(workload: Workload, crew: Crew, network: GroupedNetwork, passes: Passes) -> bool:
    """One order of the leader; returns False if a new generation is due."""
    order = crew.share(None, network.module)
    if not order.search:
        return False
    block = Block(workload, _Somewhere(order.parent), "0x" + order.miner.hex(), order.difficulty)
    first = order.nonce + crew.rank * order.groups
    made = passes.run(Nonces(block, order.root), first, order.groups, mixed=order.mixed)
    found = [draw.nonce - order.nonce for draw in made.candidates]
    crew.collect(network.module, found, crew.size * order.groups)
    return True
