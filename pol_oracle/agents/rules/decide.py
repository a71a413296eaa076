"""What an agent does next: pure functions from what it knows to actions. No clock, no RPC, no memory.

Rules every agent keeps:

* it says nothing about a block it did not replay, and attests only to what it found right
* a replay that failed is no proof of anything; what stays unserved is demanded on L1, and L1's clock judges
* every duty is proposed again until the events show it done, so a restart forgets nothing
* a call that anybody may make is made by the one it matters to; the others follow one by one, later, in a drawn order,
  so that no duty rests on one agent and none is raced

challenges.py, demands.py and housekeeping.py have the rules for each of these.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from pol_oracle.protocol.difficulty import work
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role, Status
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Chain

from .actions import Action, Attest, Propose
from .challenges import challenges
from .demands import demands, endangers, replies
from .housekeeping import housekeeping
from .knowledge import Miner, Parent, Verifier
from .policy import Policy
from .urgency import branch_works
from .verdicts import Valid, can_be_built_on


def decide_verifier(view: View, own: Verifier, parameters: Parameters, policy: Policy) -> tuple[Action, ...]:
    """Returns what a verifier does now: challenges first, then demands and answers, attestations and housekeeping.

    Args:
        view: the confirmed events; ``view.now`` is the only time there is.
        own: what the verifier knows beside them.
        parameters: of the deployment.
        policy: of the agent.
    """
    right = {block_id for block_id, verdict in own.verdicts.items() if isinstance(verdict, Valid)}
    return (
        *challenges(view, own, parameters),
        *demands(view, own, parameters),
        *replies(view, own, parameters, policy.turn(parameters)),
        *_attestations(view, own, parameters, policy),
        *housekeeping(view, own.me, right, parameters, policy),
    )


def decide_miner(view: View, own: Miner, parameters: Parameters, policy: Policy) -> tuple[Action, ...]:
    """Returns what a miner does now: answers to demands, a proposal if a proof fits, and housekeeping.

    Args:
        view: the confirmed events; ``view.now`` is the only time there is.
        own: what the miner knows beside them.
        parameters: of the deployment.
        policy: of the agent.
    """
    return (
        *replies(view, own, parameters, policy.turn(parameters)),
        *_proposals(view, own, parameters, policy),
        *housekeeping(view, own.me, own.verified, parameters, policy),
    )


def choose_parent(view: View, own: Miner) -> tuple[Parent, int]:
    """Returns what to build on, and how many own proofs that L1 does not show yet lie below.

    An honest miner builds on live blocks that it verified (or mined) itself, down to the finalized tip; so an invalid
    head never stops it. A proof on its way to L1 is built on at once.
    """
    block = view.blocks[_best(view, own)]
    parent = Parent(block.id, view.lineage(block.id))
    ahead = 0
    known = view.blocks.keys() | own.dead_ends
    hidden = (proof for proof in reversed(own.proofs) if proof.id(own.task_id) not in known)
    children = {proof.parent: proof for proof in hidden}
    while (proof := children.pop(parent.id, None)) is not None:
        parent = Parent(proof.id(own.task_id), Chain(parent.lineage, proof))
        ahead += 1
    return parent, ahead


def search_difficulty(view: View, own: Miner, parent: Parent, parameters: Parameters) -> int:
    """Returns the difficulty to search at for a proof on this parent.

    Own proofs that L1 does not show yet count as if they were included now: they will be later, which only makes what
    is built on them easier, and a proof holds for every lower difficulty.
    """
    below, above = _hidden(view, own, parent)
    difficulty = view.child_difficulty(below, parameters)
    for proof in above:
        if proof.parent in view.blocks:
            difficulty = view.retargeted(difficulty, proof.parent, view.now, parameters)
        else:
            difficulty = parameters.retarget(difficulty, 0)
    return difficulty


def outweighed(view: View, own: Miner, parent: Parent, unjudged: Iterable[BlockView]) -> bool:
    """Says whether a block that still has to be replayed carries more work than what the miner builds on.

    Then its search is probably in vain, and only keeps the replay waiting.
    """
    below, above = _hidden(view, own, parent)
    weight = view.blocks[below].total_work + sum(work(own.proofs[proof]) for proof in above)
    works = branch_works(view)
    return any(works[block.id] > weight for block in unjudged)


def useless(view: View, own: Miner, parameters: Parameters) -> list[Header]:
    """Returns the proofs that can come to nothing any more.

    L1 has settled them, or they can never be finalized, or a reorg made them too easy: it may move a parent in time.
    One that is pending is kept: a reorg may take it back.
    """
    gone: list[Header] = []
    for proof, difficulty in own.proofs.items():
        block, parent = view.blocks.get(proof.id(own.task_id)), view.blocks.get(proof.parent)
        settled = block is not None and block.status is not Status.PENDING
        dead = parent is not None and parent.id not in view.live
        easy = block is None and parent is not None and difficulty < view.child_difficulty(parent.id, parameters)
        if settled or dead or easy:
            gone.append(proof)
    return gone


def _best(view: View, own: Miner) -> bytes:
    good = {view.finalized_tip: None}
    for block in view.live.values():
        known = block.id in own.verified or block.miner == own.me
        if block.parent in good and known and block.id not in own.dead_ends:
            good[block.id] = None
    return view.best(good)


def _hidden(view: View, own: Miner, parent: Parent) -> tuple[bytes, list[Header]]:
    """The newest block that L1 shows of those that lie below a parent, or it, and the own proofs above, in order."""
    hidden = {proof.id(own.task_id): proof for proof in own.proofs}
    above: list[Header] = []
    below = parent.id
    while below not in view.blocks:
        above.append(hidden[below])
        below = hidden[below].parent
    return below, above[::-1]


def _proposals(view: View, own: Miner, parameters: Parameters, policy: Policy) -> list[Action]:
    """The oldest proof on the best block, if the bond for it is free; others became late and stay unproposed.

    What it takes to explain each own block is kept: perhaps nobody else speaks for it.
    """
    each = policy.per_block(parameters)
    unexplained = sum(b.miner == own.me and own.me not in b.speakers for b in view.pending)
    kept = unexplained * (each - parameters.miner_bond)
    if not own.proofs or view.bond(own.me, Role.MINER).free < each + kept:
        return []
    best = _best(view, own)
    fitting = (proof for proof in own.proofs if proof.parent == best and proof.id(own.task_id) not in view.blocks)
    return [Propose(proof.id(own.task_id), proof, own.proofs[proof]) for proof in itertools.islice(fitting, 1)]


def _attestations(view: View, own: Verifier, parameters: Parameters, policy: Policy) -> list[Action]:
    """Attests to live blocks found right, the head's branch first.

    Keeps what demands may cost in reserve, and what it takes to explain each of those blocks. A miner may sacrifice a
    right block to take its attesters along, so a demand it lets lapse keeps the agent away.
    """
    unexplained = sum(own.me in b.attestations and own.me not in b.speakers for b in view.pending)
    free = view.bond(own.me, Role.VERIFIER).free - policy.reserve(parameters) - unexplained * parameters.attest_bond
    on_head = {b.id for b in view.branch(view.head)}
    actions: list[Action] = []
    for block in sorted(view.live.values(), key=lambda b: (b.id not in on_head, b.sequence)):
        right = can_be_built_on(own.verdicts.get(block.id))
        if not right or block.status is not Status.PENDING or block.miner == own.me:
            continue
        if own.me in block.attestations or endangers(block, view.now, parameters):
            continue
        if free < 2 * parameters.attest_bond:
            break
        free -= 2 * parameters.attest_bond
        actions.append(Attest(block.id, block.difficulty))
    return actions
