"""Demand and reveal: what a verifier demands on L1, and which demands an agent answers. Pure.

A replay that lacks something says what. It is demanded inside the block's challenge window; from then on only after an
answer to a demand of one's own, a few times, because an answer may show what to look at next. Answers are public: what
anybody's demand brought to light is not demanded again.
"""

from __future__ import annotations

from collections.abc import Iterator

from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.positions import MAX_LATE, Item, Position

from .actions import Action, Demand, Reveal
from .blocks import BlockView, DemandView
from .knowledge import Answers, Verifier
from .policy import Policy
from .verdicts import Verdict
from .view import View

_MINERS_TURNS = 2  # times the stagger in which a demand is the miner's alone to answer


def demands(view: View, own: Verifier, parameters: Parameters, policy: Policy) -> Iterator[Action]:
    """Yields the demands that the agent's replays wait for, as far as L1 takes them and the agent can pay. Blocks that
    could be finalized as they are come first: others may be there to use up its bond."""
    free = view.bond(own.me, Role.VERIFIER).free
    for block in sorted(view.pending, key=lambda b: len(b.attestations) < parameters.quorum):
        verdict = own.verdicts.get(block.id)
        if verdict is None:
            continue
        allowed = max(_allowed(view, block, own.me, parameters, policy), 0)
        for position in _missing(block, verdict, own.me)[:allowed]:
            if free < parameters.demand_fee:
                return
            free -= parameters.demand_fee
            yield Demand(block.id, position, own.describe(position))


def exhausted(view: View, own: Verifier, parameters: Parameters, policy: Policy) -> Iterator[bytes]:
    """Yields the ids of pending blocks on which the agent would have to spend more than its policy lets it, or than it
    has."""
    broke = view.bond(own.me, Role.VERIFIER).free < parameters.demand_fee
    for block in view.pending:
        verdict = own.verdicts.get(block.id)
        spent = broke or len(_own(block, own.me)) >= policy.max_demands
        if verdict is not None and spent and _missing(block, verdict, own.me):
            yield block.id


def answered(block: BlockView, verdict: Verdict) -> bool:
    """Says whether everything that a verdict demands was shown on L1."""
    return bool(verdict.demands) and set(verdict.demands) <= block.shown.keys()


def due_answers(view: View, me: str, parameters: Parameters, stagger: int) -> list[DemandView]:
    """Returns the open demands that the agent should answer by now, the most urgent first.

    They are about blocks that it mined or attested to. A miner answers at once. Attesters, who would lose their bonds
    with the block, step in one by one, in an order drawn per demand, but all of them in the second half of the time;
    and only until the fees for their answers would make up the bond, since nobody pays them if the block is slashed.
    """
    turns = (d for d in view.open_demands if view.now < d.deadline and _my_turn(view, d, me, stagger))
    most = max(1, parameters.attest_bond // max(1, parameters.demand_fee))
    due = [d for d in turns if me == view.blocks[d.block_id].miner or _answers_of(view.blocks[d.block_id], me) < most]
    return sorted(due, key=lambda d: d.deadline)


def replies(view: View, me: str, answers: Answers, parameters: Parameters, stagger: int) -> Iterator[Action]:
    """Yields the answers that are due and computed."""
    for demand in due_answers(view, me, parameters, stagger):
        header = view.blocks[demand.block_id].header
        answer = answers.get((demand.block_id, demand.position))
        if answer is not None and header is not None:
            yield Reveal(demand.block_id, header, demand.demander, demand.position, answer)


def endangers(block: BlockView, now: int, parameters: Parameters) -> bool:
    """Says whether a demand that is open may soon cost a block's attesters their bonds: half of its time is over, and
    its miner silent. Of explanations attesters are innocent."""
    open_ = (d for d in block.open_demands if not d.position.tree.evaluates)
    return any(d.deadline - now < parameters.answer_window / 2 for d in open_)


def _answers_of(block: BlockView, me: str) -> int:
    return sum(demand.responder == me for demand in block.demands.values())


def _own(block: BlockView, me: str) -> list[DemandView]:
    return [demand for demand in block.demands.values() if demand.demander == me]


def _missing(block: BlockView, verdict: Verdict, me: str) -> list[Position]:
    """What the verdict demands, without what was shown and what the agent demanded itself.

    After the window only the demander of something answered may go on. So an open demand of somebody else does not
    stand in for one's own, and if all that is lacking was shown to others by now, one demands a part of it again.
    """
    own = {demand.position for demand in _own(block, me)}
    missing = [position for position in verdict.demands if position not in block.shown and position not in own]
    return missing if missing or own else list(verdict.demands[:1])


def _allowed(view: View, block: BlockView, me: str, parameters: Parameters, policy: Policy) -> int:
    """How many demands L1 would take now, and the agent is ready to pay for."""
    own = _own(block, me)
    affordable = policy.max_demands - len(own)
    closes = block.proposed_at + parameters.challenge_window
    if view.now < closes:
        return affordable
    if not any(d.answered_at is not None and view.now < d.answered_at + parameters.answer_window for d in own):
        return 0
    return min(affordable, MAX_LATE - sum(d.opened_at >= closes for d in own))


def _my_turn(view: View, demand: DemandView, me: str, stagger: int) -> bool:
    block = view.blocks[demand.block_id]
    if me == block.miner:
        return True
    explains = demand.position.item is Item.ROOTS and demand.position.tree.evaluates
    if me not in block.attestations or explains:  # how it evaluated a sample only the miner can say
        return False
    order = sorted(block.attestations, key=lambda verifier: keccak(demand.id + bytes.fromhex(verifier[2:])))
    turn = demand.opened_at + (_MINERS_TURNS + order.index(me)) * stagger
    return view.now >= min(turn, (demand.opened_at + demand.deadline) // 2)
