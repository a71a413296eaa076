"""Proving blocks wrong, and refuting explanations: commit first, prove in a later L1 block. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView

from .actions import Action, Commit, Prove, Reopen
from .demands import reopens
from .knowledge import Verifier

if TYPE_CHECKING:
    from pol_oracle.evidence import FraudProof


def challenges(view: View, own: Verifier, parameters: Parameters) -> Iterator[Action]:
    """Yields what brings the agent's proofs to the Court.

    Args:
        view: the confirmed events.
        own: what the verifier knows beside them.
        parameters: of the deployment.
    """
    for block in view.pending:
        yield from _next_move(view, block, own, parameters)
    for block in view.unsettled:
        yield from _bounty_claim(view, block, own, parameters)


def claimable(view: View, block: BlockView, me: str) -> bool:
    """Says whether an own proof may still count against a slashed block: a commitment of one's own may come before that
    of its bounty."""
    if block.status is not Status.SLASHED or block.forfeited or block.bounty is None:
        return False
    order = block.bounty[1]
    return any(who == me and made.order < order for (who, _), made in view.commitments.items())


def _next_move(view: View, block: BlockView, own: Verifier, parameters: Parameters) -> Iterator[Action]:
    verdict = own.verdicts.get(block.id)
    if verdict is None or verdict.proof is None:
        return
    refuted = verdict.proof.refutes
    if refuted is not None and not block.vouched(refuted):
        if verdict.right or not block.stands(refuted):
            return  # a right block comes to no harm by it, and nobody has a bond in it
        if reopens(view, block, refuted, parameters):
            yield Reopen(block.id, refuted, block.explained_at(refuted) or 0)
            return
    yield from _towards_court(view, block, own, verdict.proof)


def _towards_court(view: View, block: BlockView, own: Verifier, proof: FraudProof) -> Iterator[Action]:
    """The next step of a proof: to commit to it, or to show it."""
    challenge = own.seal(block.id, proof)
    committed = view.commitments.get((own.me, challenge.commitment))
    if committed is None:
        yield Commit(block.id, challenge.commitment)
    elif view.l1_block + own.depth > committed.l1_block:  # L1 is further than the view
        explained_at = 0 if proof.refutes is None else block.explained_at(proof.refutes)
        yield Prove(block.id, proof, challenge.salt, explained_at or 0)


def _bounty_claim(view: View, block: BlockView, own: Verifier, parameters: Parameters) -> Iterator[Action]:
    """A slashed block: an earlier commitment than the bounty's still takes it, if it is shown."""
    verdict = own.verdicts.get(block.id)
    if verdict is None or verdict.proof is None or block.bounty is None or block.closed_at is None:
        return
    if block.status is not Status.SLASHED or view.now >= block.closed_at + parameters.reveal_window:
        return
    committed = view.commitments.get((own.me, own.seal(block.id, verdict.proof).commitment))
    if verdict.proof.refutes is None and committed is not None and committed.order < block.bounty[1]:
        yield from _towards_court(view, block, own, verdict.proof)
