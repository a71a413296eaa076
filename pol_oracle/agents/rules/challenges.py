"""Proving blocks wrong, and refuting explanations. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView

from .actions import Action, Prove, Reopen
from .demands import reopens
from .knowledge import Verifier
from .verdicts import Invalid, Valid, accusation


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


def _next_move(view: View, block: BlockView, own: Verifier, parameters: Parameters) -> Iterator[Action]:
    wrong = accusation(own.verdicts.get(block.id))
    if not isinstance(wrong, Invalid):
        return
    refuted = wrong.proof.refutes
    if refuted is not None and not block.vouched(refuted):
        # a right block comes to no harm by it, and nobody has a bond in it
        if not isinstance(own.verdicts[block.id], Valid) and reopens(view, block, refuted, parameters):
            yield Reopen(block.id, refuted, block.explained_at(refuted) or 0)
        return
    yield Prove(block.id, wrong.proof, 0 if refuted is None else block.explained_at(refuted) or 0)


def _bounty_claim(view: View, block: BlockView, own: Verifier, parameters: Parameters) -> Iterator[Action]:
    """A slashed block: an earlier commitment than the bounty's still takes it, if it is shown."""
    verdict = own.verdicts.get(block.id)
    if not isinstance(verdict, Invalid) or block.bounty is None or block.closed_at is None:
        return
    if block.status is not Status.SLASHED or view.now >= block.closed_at + parameters.reveal_window:
        return
    if verdict.proof.refutes is None:
        yield Prove(block.id, verdict.proof, before=block.bounty[1])
