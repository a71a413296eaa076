"""Proving blocks wrong: commit first, prove in a later L1 block. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.parameters import Parameters

from .actions import Action, Commit, Prove
from .blocks import BlockView
from .knowledge import Verifier
from .view import View


def challenges(view: View, own: Verifier, parameters: Parameters) -> Iterator[Action]:
    """Yields what brings the agent's proofs to the Court.

    Args:
        view: the confirmed events.
        own: what the verifier knows beside them.
        parameters: of the deployment.
    """
    for block in view.pending:
        yield from _next_move(view, block, own)
    for block in view.unsettled:
        yield from _bounty_claim(view, block, own, parameters)


def claimable(view: View, block: BlockView, me: str) -> bool:
    """Says whether an own commitment may come before that of the slashed block's bounty."""
    if block.status is not Status.SLASHED or block.forfeited or block.bounty is None:
        return False
    return any(who == me and made.order < block.bounty[1] for (who, _), made in view.commitments.items())


def _next_move(view: View, block: BlockView, own: Verifier) -> Iterator[Action]:
    verdict = own.verdicts.get(block.id)
    if verdict is None or verdict.proof is None:
        return
    challenge = own.seal(block.id, verdict.proof)
    committed = view.commitments.get((own.me, challenge.commitment))
    if committed is None:
        yield Commit(block.id, challenge.commitment)
    elif view.l1_block + own.depth > committed.l1_block:  # L1 is further than the view
        yield Prove(block.id, verdict.proof, challenge.salt)


def _bounty_claim(view: View, block: BlockView, own: Verifier, parameters: Parameters) -> Iterator[Action]:
    """A block slashed by a later committer: the earlier commitment still takes the bounty, if it is shown."""
    verdict = own.verdicts.get(block.id)
    if verdict is None or verdict.proof is None or block.bounty is None or block.closed_at is None:
        return
    if block.status is not Status.SLASHED or view.now >= block.closed_at + parameters.reveal_window:
        return
    challenge = own.seal(block.id, verdict.proof)
    committed = view.commitments.get((own.me, challenge.commitment))
    if committed is not None and committed.order < block.bounty[1]:
        yield Prove(block.id, verdict.proof, challenge.salt)
