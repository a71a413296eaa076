"""What an agent does next: pure functions from what it knows to actions. No clock, no RPC, no memory.

Rules every agent keeps:

* it says nothing about a block it did not replay, and attests only to what it found right
* a replay that failed is no proof of anything; only a state that stays unserved becomes a "withheld" challenge
* every duty is proposed again until the events show it done, so a restart forgets nothing
* a housekeeping call that anybody may make is made by the one it matters to; the others follow one by one, later,
  in an order drawn per block, so that no duty rests on one agent and none is raced
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Outcome, Role, Status
from pol_oracle.protocol.parameters import Parameters

from .actions import Action, Attest, Commit, OpenDispute, Propose, ProveRequirement, Vote
from .blocks import BlockView, DisputeView
from .housekeeping import housekeeping
from .verdicts import Challenge, Unserved, Verdict
from .view import View

if TYPE_CHECKING:
    from pol_oracle.evidence import RequirementEvidence

Seal = Callable[[bytes, EvidenceKind, "RequirementEvidence | None"], Challenge]


@dataclass(frozen=True)
class Policy:
    """How an agent behaves within the rules.

    Attributes:
        stagger: seconds of L1 time between one agent's turn at a housekeeping call and the next one's.
        grace: seconds of L1 time after its proposal in which a block's states may be late.
        attempts: failed fetches, at least, before a block counts as not served.
    """

    stagger: int = 6
    grace: int = 6
    attempts: int = 3


@dataclass(frozen=True)
class Parent:
    """What a miner builds on.

    Attributes:
        id: of the block.
        correct_after: test samples its W' classifies correctly; 0 for genesis.
        post_root: root of its W'; None for genesis, whose weights are the task's initial ones.
    """

    id: bytes
    correct_after: int
    post_root: bytes | None


@dataclass(frozen=True)
class Miner:
    """What a miner knows beside L1.

    Attributes:
        me: its address.
        task_id: 32 bytes.
        proofs: proofs it found that are not settled on L1, oldest first; their states are in the store.
        verified: ids of the blocks it found right itself.
    """

    me: str
    task_id: bytes
    proofs: Sequence[Header]
    verified: Collection[bytes]


@dataclass(frozen=True)
class Verifier:
    """What a verifier knows beside L1.

    Attributes:
        me: its address.
        verdicts: block id -> result of its own replay.
        unserved: block id -> why it could not replay it yet.
        seal: its commitment to a challenge, the same each time it is asked.
    """

    me: str
    verdicts: Mapping[bytes, Verdict]
    unserved: Mapping[bytes, Unserved]
    seal: Seal


def decide_verifier(view: View, own: Verifier, parameters: Parameters, policy: Policy) -> tuple[Action, ...]:
    """Returns what a verifier does now: challenges first, then votes, attestations and housekeeping.

    Args:
        view: the confirmed events; ``view.now`` is the only time there is.
        own: what the verifier knows beside them.
        parameters: of the deployment.
        policy: of the agent.
    """
    return (
        *_challenges(view, own, parameters, policy),
        *_votes(view, own, policy),
        *_attestations(view, own, parameters),
        *housekeeping(view, own.me, parameters, policy.stagger),
    )


def decide_miner(view: View, own: Miner, parameters: Parameters, policy: Policy) -> tuple[Action, ...]:
    """Returns what a miner does now: a proposal if a proof fits, and housekeeping.

    Args:
        view: the confirmed events; ``view.now`` is the only time there is.
        own: what the miner knows beside them.
        parameters: of the deployment.
        policy: of the agent.
    """
    return (
        *_proposals(view, own, parameters),
        *housekeeping(view, own.me, parameters, policy.stagger),
    )


def choose_parent(view: View, own: Miner) -> tuple[Parent, int]:
    """Returns what to build on, and how many own proofs that L1 does not show yet lie below.

    An honest miner builds on live blocks that it verified (or mined) itself, down to the finalized tip; so an invalid
    head never stops it. A proof on its way to L1 is built on at once.
    """
    block = view.blocks[_best(view, own)]
    parent = Parent(block.id, block.correct_after, block.header.post_root if block.header else None)
    ahead = 0
    hidden = (proof for proof in reversed(own.proofs) if proof.id(own.task_id) not in view.blocks)
    children = {proof.parent: proof for proof in hidden}
    while (proof := children.pop(parent.id, None)) is not None:
        parent = Parent(proof.id(own.task_id), proof.correct_after, proof.post_root)
        ahead += 1
    return parent, ahead


def useless(view: View, own: Miner) -> list[Header]:
    """Returns the proofs that L1 has settled, or that can never be finalized any more. One that is pending is kept: a
    reorg may take it back."""
    gone: list[Header] = []
    for proof in own.proofs:
        block, parent = view.blocks.get(proof.id(own.task_id)), view.blocks.get(proof.parent)
        settled = block is not None and block.status is not Status.PENDING
        if settled or (parent is not None and parent.id not in view.live):
            gone.append(proof)
    return gone


def _best(view: View, own: Miner) -> bytes:
    good = {view.finalized_tip: None}
    for block in view.live.values():
        if block.parent in good and (block.id in own.verified or block.miner == own.me):
            good[block.id] = None
    return view.best(good)


def _proposals(view: View, own: Miner, parameters: Parameters) -> list[Action]:
    """The oldest proof on the best block, if the bond for it is free; others became late and stay unproposed."""
    if not own.proofs or view.bond(own.me, Role.MINER).free < parameters.miner_bond:
        return []
    best = _best(view, own)
    fitting = (proof for proof in own.proofs if proof.parent == best and proof.id(own.task_id) not in view.blocks)
    return [Propose(proof.id(own.task_id), proof) for proof in itertools.islice(fitting, 1)]


def _challenges(view: View, own: Verifier, parameters: Parameters, policy: Policy) -> list[Action]:
    actions: list[Action] = []
    free = view.bond(own.me, Role.VERIFIER).free
    for block in view.pending:
        claim = _claim(block, own, policy, view.now)
        if claim is None:
            continue
        step = _next_move(view, block, claim, own, parameters, free)
        if step is not None:
            actions.append(step)
        if isinstance(step, (Commit, OpenDispute)) and step.kind is not EvidenceKind.REQUIREMENT:
            free -= parameters.challenge_bond
    for block in view.unsettled:
        actions.extend(_bounty_claims(view, block, own, parameters))
    return actions


def _claim(block: BlockView, own: Verifier, policy: Policy, now: int) -> Verdict | None:
    """What this verifier holds against a block, None if nothing (yet)."""
    verdict = own.verdicts.get(block.id)
    if verdict is not None:
        return None if verdict.valid else verdict
    missing = own.unserved.get(block.id)
    if missing and missing.failures >= policy.attempts and now >= block.proposed_at + policy.grace:
        return Verdict(block.id, EvidenceKind.WITHHELD, missing.reason)
    return None


def _next_move(
    view: View, block: BlockView, claim: Verdict, own: Verifier, parameters: Parameters, free: int
) -> Action | None:
    """Commit first, reveal in a later L1 block; nothing if somebody brought the same claim before the committee."""
    if claim.kind is None or block.header is None:  # only genesis and valid blocks, which nobody holds anything against
        return None
    if claim.kind is not EvidenceKind.REQUIREMENT:
        closed = view.now >= block.proposed_at + parameters.challenge_window
        if closed or free < parameters.challenge_bond or _brought(block, claim.kind):
            return None
    challenge = own.seal(block.id, claim.kind, claim.evidence)
    committed = view.commitments.get((own.me, challenge.commitment))
    if committed is None:
        return Commit(block.id, claim.kind, challenge.commitment)
    if view.l1_block <= committed.l1_block:
        return None
    if claim.evidence is not None:
        return ProveRequirement(block.id, block.header, claim.evidence, challenge.salt)
    return OpenDispute(block.id, claim.kind, challenge.salt)


def _brought(block: BlockView, kind: EvidenceKind) -> bool:
    """Says whether a dispute makes another of this kind needless. One about withheld data does not stand in for one
    about the result: the miner could open it against itself to run out the window."""
    if kind in block.disputes:
        return True
    return kind is not EvidenceKind.WITHHELD and any(d.kind is not EvidenceKind.WITHHELD for d in block.open_disputes)


def _bounty_claims(view: View, block: BlockView, own: Verifier, parameters: Parameters) -> list[Action]:
    """A requirement proven by a later committer: the earlier commitment still takes the bounty, if it is shown."""
    verdict = own.verdicts.get(block.id)
    if verdict is None or verdict.evidence is None or block.header is None or block.closed_at is None:
        return []
    if block.status is not Status.SLASHED or view.now >= block.closed_at + parameters.reveal_window:
        return []
    challenge = own.seal(block.id, EvidenceKind.REQUIREMENT, verdict.evidence)
    committed = view.commitments.get((own.me, challenge.commitment))
    if committed is None or block.bounty is None or committed.order >= block.bounty[1]:
        return []
    return [ProveRequirement(block.id, block.header, verdict.evidence, challenge.salt)]


def _votes(view: View, own: Verifier, policy: Policy) -> list[Action]:
    actions: list[Action] = []
    if not view.bond(own.me, Role.VERIFIER).total:
        return actions
    for dispute in view.open_disputes:
        bonded_in_time = view.bonded_at.get(own.me, 0) < dispute.opened_at
        if own.me in dispute.votes or not bonded_in_time or dispute.result(view.now) is not Outcome.OPEN:
            continue
        guilty = _opinion(dispute, own, policy)
        if guilty is not None:
            actions.append(Vote(dispute.id, dispute.block_id, dispute.kind, guilty))
    return actions


def _opinion(dispute: DisputeView, own: Verifier, policy: Policy) -> bool | None:
    """Guilty, not guilty, or None: no opinion without a replay."""
    verdict = own.verdicts.get(dispute.block_id)
    if dispute.kind is EvidenceKind.WITHHELD:
        if verdict is not None:
            return False  # whatever is wrong with it, it was served
        missing = own.unserved.get(dispute.block_id)
        tried = missing is not None and missing.failures >= policy.attempts and missing.last >= dispute.opened_at
        return True if tried else None
    # a block found wrong is wrong, whichever of its claims the dispute names
    return None if verdict is None else not verdict.valid


def _attestations(view: View, own: Verifier, parameters: Parameters) -> list[Action]:
    """Attests to live blocks found right, the head's branch first; keeps one challenge bond in reserve."""
    free = view.bond(own.me, Role.VERIFIER).free - parameters.challenge_bond
    on_head = {b.id for b in view.branch(view.head)}
    actions: list[Action] = []
    for block in sorted(view.live.values(), key=lambda b: (b.id not in on_head, b.sequence)):
        verdict = own.verdicts.get(block.id)
        if verdict is None or not verdict.valid or block.status is not Status.PENDING or block.miner == own.me:
            continue
        if own.me in block.attestations or block.open_disputes:
            continue
        if free < parameters.attest_bond:
            break
        free -= parameters.attest_bond
        actions.append(Attest(block.id))
    return actions
