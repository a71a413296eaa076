"""Explanations of a right block whose authors fall and are followed by others: what agents make of each demand about
one, the contracts make of it too."""

from __future__ import annotations

from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from pol_oracle.agents.rules.actions import Expire
from pol_oracle.agents.rules.demands import due_answers
from pol_oracle.agents.rules.housekeeping import housekeeping
from pol_oracle.agents.rules.policy import Policy
from pol_oracle.agents.runtime import Loop
from pol_oracle.evidence import TraceId
from pol_oracle.l1.monitor import Monitor
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.errors import Reverted
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.positions import Item, Position, Tree
from pol_oracle.view import History, View
from pol_oracle.view.blocks import BlockView, DemandView
from tests.adversaries.arena import Arena
from tests.e2e.stage import silent

BITS = Position(Item.BITS)
FIRST, SECOND = TraceId(Tree.BEFORE, 3), TraceId(Tree.BEFORE, 4)


@dataclass
class Told:
    """A right block that nobody honest looks after: only its colluders act."""

    arena: Arena

    @property
    def view(self) -> View:
        """What L1 tells now."""
        deployment = self.arena.stage.deployment
        update = Monitor(self.arena.stage.client, deployment.deployed_at, 0).poll()
        history = History(bytes.fromhex(deployment.genesis_id[2:]))
        return history.update(None, update.events, update.l1_block, update.timestamp)

    @property
    def block(self) -> BlockView:
        """The block, as events tell of it."""
        return self.view.blocks[self.arena.made.id]

    def below(self, trace: TraceId, tensor: int) -> Position:
        """The leaves of a tensor of the evaluation's true trace."""
        return Position(Item.LEAVES, trace.tree, trace.index, tensor, 0, self.arena.made.trace(trace).roots.root)

    def act(self, name: str, who: LocalAccount, position: Position, seconds: int = 1) -> None:
        """Somebody demands, answers or ends something; and time goes by."""
        made = self.arena.made
        if name == "expire":
            self.arena.send(who, "Demands", "expire", made.id, position.abi())
        else:
            getattr(self.arena, name)(who, made, position)
        self.arena.stage.rounds(seconds=seconds)

    def until_deadline(self, position: Position) -> None:
        """Time goes by until a demand is due, but for what the next call takes."""
        view = self.view
        self.arena.stage.rounds(seconds=view.blocks[self.arena.made.id].demands[position].deadline - view.now)

    def agrees(self, position: Position) -> bool:
        """Returns whether something can be shown of an explanation, on which contracts and agents must agree."""
        demand = self.block.demands[position]
        parameters = self.arena.stage.deployment.parameters
        answerable = self.block.answerable(demand, parameters.answer_window)
        arguments = int(position.tree), position.index, position.explanation, demand.deadline
        vouched = self.arena.stage.client.call("Explanations", "vouched", demand.block_id, *arguments)
        assert bool(vouched) == answerable
        if demand.open:
            self._agree_on_what_is_open(demand, answerable=answerable)
        return answerable

    def _agree_on_what_is_open(self, demand: DemandView, *, answerable: bool) -> None:
        """It is answered, by its author alone, or can be ended at once."""
        view, parameters, policy = self.view, self.arena.stage.deployment.parameters, Policy()
        author = self.block.demands[Position(Item.ROOTS, demand.position.tree, demand.position.index)].responder
        if author is not None:
            due = due_answers(view, author, parameters, policy.turn(parameters), 0)
            assert (demand.id in {d.id for d in due}) is answerable
        kept = housekeeping(view, demand.demander, (), parameters, policy)
        ends = any(isinstance(action, Expire) and action.position == demand.position for action in kept)
        assert ends is not answerable
        assert self._refused(demand) is answerable

    def _refused(self, demand: DemandView) -> bool:
        client = self.arena.stage.client
        request = client.request_for("Demands", "expire", (demand.block_id, demand.position.abi()))
        try:
            client.simulate(request, demand.demander)
        except Reverted:
            return True
        return False


def test_what_fallen_authors_leave_behind_is_to_agents_what_it_is_to_the_contracts(arena: Arena) -> None:
    """First one falls silent and another gives the same explanation; then that one falls over something else."""
    told = Told(arena)
    author, other, demander, third = arena.colluders[:4]
    arena.stage.kill(proposed(arena))
    told.act("demand", demander, BITS)
    told.act("answer", author, BITS)
    told.act("demand", demander, FIRST.position)
    told.act("answer", author, FIRST.position)
    answered, unanswered, open_ = (told.below(FIRST, tensor) for tensor in range(3))
    told.act("demand", demander, answered)
    told.act("answer", author, answered)
    told.act("demand", third, unanswered)
    told.act("demand", demander, open_)
    assert all(told.agrees(position) for position in (answered, unanswered, open_))

    told.until_deadline(unanswered)
    told.act("expire", third, unanswered)
    assert not any(told.agrees(position) for position in (answered, open_))
    told.act("answer", other, FIRST.position)  # the same
    assert not any(told.agrees(position) for position in (answered, open_))
    told.act("demand", third, unanswered)  # again
    assert told.agrees(unanswered)
    told.act("answer", other, unanswered)
    assert told.agrees(unanswered)

    told.act("expire", demander, open_)
    told.act("demand", demander, SECOND.position)
    told.act("answer", other, SECOND.position)
    told.act("demand", third, told.below(SECOND, 0))
    told.until_deadline(told.below(SECOND, 0))
    told.act("demand", demander, open_)
    assert told.agrees(open_)
    told.act("expire", third, told.below(SECOND, 0))
    assert not any(told.agrees(position) for position in (answered, unanswered, open_))


def test_nothing_is_demanded_of_what_a_fallen_author_explained(arena: Arena) -> None:
    told = Told(arena)
    author, _, demander, third = arena.colluders[:4]
    arena.stage.kill(proposed(arena))
    told.act("demand", demander, BITS)
    told.act("answer", author, BITS)
    for trace in (FIRST, SECOND):
        told.act("demand", demander, trace.position)
        told.act("answer", author, trace.position)
    told.act("demand", third, told.below(FIRST, 0))
    told.until_deadline(told.below(FIRST, 0))
    told.act("expire", third, told.below(FIRST, 0))

    told.act("demand", demander, told.below(SECOND, 0))
    assert told.below(SECOND, 0) not in told.block.demands


def test_answers_about_an_explanation_that_was_given_again_are_paid_to_whom_agents_say(arena: Arena) -> None:
    """Whoever answered for one who fell earns nothing: its demander settles, and has its fee back."""
    told = Told(arena)
    author, other, demander, third = arena.colluders[:4]
    arena.stage.kill(proposed(arena))
    arena.send(third, "PoLRegistry", "attest", arena.made.id, ANY_DIFFICULTY)
    told.act("demand", demander, BITS)
    told.act("answer", author, BITS)
    told.act("demand", demander, FIRST.position)
    told.act("answer", author, FIRST.position)
    answered, unanswered = (told.below(FIRST, tensor) for tensor in range(2))
    told.act("demand", demander, answered)
    told.act("answer", author, answered)
    told.act("demand", third, unanswered)
    told.until_deadline(unanswered)
    told.act("expire", third, unanswered)
    told.act("answer", other, FIRST.position)
    told.act("demand", third, unanswered)
    told.act("answer", other, unanswered)
    arena.stage.rounds(seconds=60)
    arena.send(third, "PoLRegistry", "finalize", arena.made.id, arena.made.id)
    arena.stage.rounds()
    assert told.block.status is Status.FINALIZED

    view, parameters = told.view, arena.stage.deployment.parameters
    for position, paid in ((answered, demander), (unanswered, other)):
        settling = {
            account.address
            for account in (author, other, demander, third)
            for action in housekeeping(view, account.address, (), parameters, Policy())
            if getattr(action, "position", None) == position
        }
        assert settling == {paid.address}
        credit = told.view.credits.get(paid.address, 0)
        arena.send(third, "Demands", "settle", arena.made.id, position.abi())
        arena.stage.rounds()
        assert told.view.credits.get(paid.address, 0) - credit == (parameters.demand_fee if paid is other else 0)


def proposed(arena: Arena) -> Loop:
    """The block's miner, once it has proposed."""
    miner = arena.mine(arena.made, answer=silent)
    arena.stage.until(lambda: arena.made.id in miner.view.blocks)
    return miner
