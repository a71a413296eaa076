"""Demand and reveal: what a verifier demands on L1, and which demands an agent answers. Pure.

A replay that lacks something says what: one position, a child of what was shown before, whoever had demanded that. It
is demanded once for all. What hangs on the header itself is demanded inside the block's challenge window, everything
below within an answer window of the answer above it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.positions import Item, MissingItem, Position, deadline
from pol_oracle.protocol.types import Address, Seconds, Wei
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView, DemandView

from .actions import Action, Demand, Explain, Hasten, Reopen, Reveal
from .knowledge import Miner, Verifier
from .verdicts import Unavailable, accusation

_MINERS_TURNS = 2  # times the stagger in which a demand is the miner's alone to answer
_NOTICEABLE = 4  # a deadline is moved by this part of the answer window at least: it costs a transaction
_ANSWER_GAS, _BYTE_GAS = 80_000, 41  # of an answer, and of each of its bytes (EIP-7623)
_LARGEST = 1 << 16  # bytes of an answer
_ROOTS = 1 << 14  # bytes of the roots of a trace


def demands(view: View, own: Verifier, parameters: Parameters) -> Iterator[Action]:
    """Yields the demands that the agent's replays wait for, as far as L1 takes them and the agent can pay.

    Blocks that could be finalized next come first: others may be there to use up its bond.
    """
    free = view.bond(own.me, Role.VERIFIER).free
    for block, lacks in _lacking(view, own):
        position = lacks.position
        known = _demanded(block, position)
        if position.explanation != ZERO and not block.vouched(position):
            if reopens(view, block, position, parameters):  # else it stands: what is demanded of it ends at once
                yield Reopen(block.id, position, block.explained_at(position) or 0)
        elif known is not None:
            if known.open and _hastens(view, known, parameters):
                yield Hasten(block.id, position, known.deadline)
        elif free < parameters.demand_fee or not _takes(view, block, position, own.me, parameters):
            continue
        elif block.header is not None:
            free -= parameters.demand_fee
            yield Demand(block.id, block.header, lacks, block.explained_at(position) or 0)


def exhausted(view: View, own: Verifier, parameters: Parameters) -> Iterator[bytes]:
    """Yields the ids of pending blocks about which the agent would have to demand more than it can pay for."""
    if view.bond(own.me, Role.VERIFIER).free >= parameters.demand_fee:
        return
    for block, lacks in _lacking(view, own):
        if _demanded(block, lacks.position) is None and _takes(view, block, lacks.position, own.me, parameters):
            yield block.id


def reopens(view: View, block: BlockView, position: Position, parameters: Parameters) -> bool:
    """Says whether L1 lets anybody end the explanation that a position is about.

    Its author fell over another one, and not long ago.
    """
    speaker = block.speaker(position)
    if speaker is None or speaker.fallen_at is None:
        return False
    window = block.proposed_at + parameters.challenge_window
    return view.now < max(window, speaker.fallen_at + parameters.answer_window)


def due_answers(view: View, me: Address, parameters: Parameters, stagger: Seconds, gas_price: Wei) -> list[DemandView]:
    """Returns the open demands that the agent should answer by now, the most urgent first.

    They are about blocks that it mined or attested to, or about an explanation that it gave. The miner answers at once;
    attesters, who would lose their bonds with the block, step in one by one, in an order drawn per demand, but all of
    them in the second half of the time. What is demanded of an explanation concerns its author alone. All of them only
    as long as their answers about the block cost less than what they have at stake in it.
    """
    answerable = (d for d in view.open_demands if _answerable(view, d, parameters))
    turns = (d for d in answerable if _my_turn(view, d, me, stagger))
    due = [d for d in turns if _affords(view, d, me, parameters, gas_price)]
    return sorted(due, key=lambda d: d.deadline)


def replies(view: View, own: Miner | Verifier, parameters: Parameters, stagger: Seconds) -> Iterator[Action]:
    """Yields the answers that are due and computed."""
    for demand in due_answers(view, own.me, parameters, stagger, own.gas_price):
        block, position = view.blocks[demand.block_id], demand.position
        answer = own.answers.get((block.id, position))
        if answer is None or block.header is None:
            continue
        if position.explains:
            yield Explain(block.id, block.header, position, answer, _role(block, own.me), demand.opened_at)
        else:
            yield Reveal(block.id, block.header, position, answer, block.explained_at(position) or 0)


def endangers(block: BlockView, now: Seconds, parameters: Parameters) -> bool:
    """Says whether a demand that is open may soon cost a block's attesters their bonds.

    Half of its time is over, and its miner silent. What is demanded of an explanation costs its author alone.
    """
    concerns = (d for d in block.open_demands if d.position.explanation == ZERO)
    return any(d.deadline - now < parameters.answer_window / 2 for d in concerns)


def _lacking(view: View, own: Verifier) -> Iterator[tuple[BlockView, MissingItem]]:
    """Blocks whose replay lacks something, and what: those on the head's branch first, from the lowest up."""
    on_head = {block.id for block in view.branch(view.head)}
    for block in sorted(view.pending, key=lambda b: (b.id not in on_head, b.sequence)):
        wrong = accusation(own.verdicts.get(block.id))
        if isinstance(wrong, Unavailable) and block.stands(wrong.lacks.position):
            yield block, wrong.lacks


def _takes(view: View, block: BlockView, position: Position, me: Address, parameters: Parameters) -> bool:
    """Says whether L1 would take a demand of the agent's for something."""
    vouched = position.explanation == ZERO or block.vouched(position)
    return vouched and view.now < _closes(block, position, parameters) and not _walking(block, position, me)


def _demanded(block: BlockView, position: Position) -> DemandView | None:
    """The demand for something; None also if it ended with its explanation: that may be given again."""
    known = block.demands.get(position)
    return None if known is None or known.expired else known


def _walking(block: BlockView, position: Position, me: Address) -> bool:
    """Says whether another demand of the agent is open: L1 takes one at a time, for explanations and for the rest."""
    return any(d.demander == me and d.position.explains == position.explains for d in block.open_demands)


def _closes(block: BlockView, position: Position, parameters: Parameters) -> int:
    """L1 time from which on something cannot be demanded any more; 0 if it cannot be yet."""
    window = block.proposed_at + parameters.challenge_window
    if not position.above:
        return window
    above = next((block.demands[p] for p in position.above if p in block.shown), None)
    explained_at = block.explained_at(position)
    if above is None or above.answered_at is None or explained_at is None:
        return 0
    return max(window, max(above.answered_at, explained_at) + parameters.answer_window)


def _hastens(view: View, demand: DemandView, parameters: Parameters) -> bool:
    """Says whether its deadline can be moved noticeably, since fewer others wait by now."""
    window = parameters.answer_window
    earliest = deadline(view.now, window, len(view.open_demands) - 1)
    return demand.deadline - earliest >= max(window // _NOTICEABLE, 1)


def _answerable(view: View, demand: DemandView, parameters: Parameters) -> bool:
    """Says whether L1 still takes an answer."""
    block = view.blocks[demand.block_id]
    return view.now < demand.deadline and block.answerable(demand, parameters.answer_window)


def _affords(view: View, demand: DemandView, me: Address, parameters: Parameters, gas_price: Wei) -> bool:
    """Says whether one more answer costs less than the bond that it saves.

    It is counted with those before it about the same block, less the fees for all. It also says whether the agent can
    answer for an explanation.
    """
    block, position = view.blocks[demand.block_id], demand.position
    speaker = block.speakers.get(me)
    if position.explains and speaker is not None and speaker.fallen:
        return False
    if position.explains and speaker is None and view.bond(me, _role(block, me)).free < parameters.attest_bond:
        return False
    mine = [len(d.answer) for d in block.demands.values() if d.answer is not None and d.responder == me]
    sizes = (*mine, _ROOTS if position.item is Item.ROOTS else _LARGEST)
    cost = sum(_ANSWER_GAS + _BYTE_GAS * size for size in sizes) * gas_price - len(sizes) * parameters.demand_fee
    miner = me == block.miner and position.explanation == ZERO
    return cost < (parameters.miner_bond if miner else parameters.attest_bond)


def _role(block: BlockView, me: Address) -> Role:
    """Which of the agent's bonds answers for what it says of a block."""
    return Role.MINER if me == block.miner else Role.VERIFIER


def _my_turn(view: View, demand: DemandView, me: Address, stagger: Seconds) -> bool:
    block = view.blocks[demand.block_id]
    if demand.position.explanation != ZERO:
        about = block.demands[Position(Item.ROOTS, demand.position.tree, demand.position.index)]
        return about.responder == me
    if me == block.miner:
        return True
    if me not in block.attestations:
        return False
    order = sorted(block.attestations, key=lambda verifier: keccak(demand.id + bytes.fromhex(verifier[2:])))
    turn = demand.opened_at + (_MINERS_TURNS + order.index(me)) * stagger
    return view.now >= min(turn, (demand.opened_at + demand.deadline) // 2)
