"""What agents and blocks wait for, in words, and what a person can do about it."""

from __future__ import annotations

from dataclasses import dataclass

from pol_oracle.advice import pol
from pol_oracle.l1.devnet.accounts import CHAIN_ID
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.types import Address, Wei
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView

from ..rules.housekeeping import judged_at
from ..rules.policy import Policy

WEI = 10**18
QUIET_S = 30.0  # without a new L1 block, after which that is worth a word
NO_BOND, L1_STANDS = "no bond", "l1"  # reasons for which an agent can do nothing
_BLOCKS = 5  # that a proposed deposit covers


@dataclass(frozen=True)
class Wait:
    """Something that does not go on.

    Attributes:
        key: what kind of thing it is; the same for as long as it lasts.
        text: what is waited for.
        remedy: what a person can do; "" if it passes by itself.
    """

    key: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.text}: {self.remedy}" if self.remedy else self.text


def block_wait(view: View, block: BlockView, parameters: Parameters, now: float) -> str:
    """Says what keeps a pending block from being final.

    Args:
        view: the confirmed events.
        block: pending.
        parameters: of the deployment.
        now: L1 time in seconds, which may be a little ahead of the view's.
    """
    if block.id not in view.live:
        return "its branch has fallen"
    found = []
    if block.open_demands:
        left = min(demand.deadline for demand in block.open_demands) - now
        found.append(f"{count(len(block.open_demands), 'open demand')}, answer due {_in(left)}")
    if len(block.attestations) < parameters.quorum:
        found.append(f"{len(block.attestations)} of {parameters.quorum} attestations")
    if (left := judged_at(block, parameters) - now) > 0:
        found.append(f"window ends {_in(left)}")
    if not found and block.parent != view.finalized_tip:
        return "after its parent"
    return ", ".join(found) or "can be final"


def deposit_command(needed: Wei, role: Role, address: Address, chain_id: int | None = None) -> str:
    """Returns the command that fills up a bond, also while its agent runs; on a devnet it can be pasted as it is.

    Args:
        needed: for one block or duty; some more are covered, too.
        role: of the bond.
        address: whose bond it is.
        chain_id: of L1, where that is known; elsewhere the user says which key pays.
    """
    payer = "--dev 0" if chain_id == CHAIN_ID else "--account NAME"
    return pol(f"bond deposit {_BLOCKS * needed / WEI:g} --role {role.name.lower()} --for {address} {payer}")


def miner_wait(view: View, me: Address, parameters: Parameters, now: float, chain_id: int | None = None) -> Wait | None:
    """Says why a miner cannot propose, None if it can.

    Args:
        view: the confirmed events.
        me: its address.
        parameters: of the deployment.
        now: L1 time in seconds.
        chain_id: of L1, for the remedy.
    """
    bond, needed = view.bond(me, Role.MINER), parameters.miner_bond
    if bond.free >= needed:
        return None
    deposit = deposit_command(needed, Role.MINER, me, chain_id)
    if bond.total < needed:
        return Wait(NO_BOND, f"{bond.total / WEI:g} ETH bonded, a block takes {needed / WEI:g}", deposit)
    own = [block for block in view.pending if block.miner == me]
    if not own:
        return Wait("bond", "bond fully locked until its last blocks are settled", deposit)
    first = own[0]
    reason, left = block_wait(view, first, parameters, now), judged_at(first, parameters) - now
    if len(first.attestations) >= parameters.quorum and not first.open_demands and left > 0:
        return Wait("bond", f"bond fully locked, next release {_in(left)}", f"more bond lets it go on now, {deposit}")
    return Wait("bond", f"bond fully locked in {count(len(own), 'block')}, the first waits: {reason}", deposit)


def verifier_wait(
    view: View, me: Address, parameters: Parameters, policy: Policy, chain_id: int | None = None
) -> Wait | None:
    """Says why a verifier cannot attest, None if it can.

    Args:
        view: the confirmed events.
        me: its address.
        parameters: of the deployment.
        policy: of the agent: how much it keeps in reserve.
        chain_id: of L1, for the remedy.
    """
    bond, needed = view.bond(me, Role.VERIFIER), policy.needed(parameters)
    deposit = deposit_command(needed, Role.VERIFIER, me, chain_id)
    if bond.total < needed:
        return Wait(NO_BOND, f"{bond.total / WEI:g} ETH bonded, attesting takes {needed / WEI:g}", deposit)
    if bond.free < needed:
        return Wait("bond", f"{bond.locked / WEI:g} ETH of its bond are locked, too little is free to attest", deposit)
    return None


def network_wait(view: View, parameters: Parameters) -> Wait | None:
    """Says why no block can become final, None if one can: too few verifiers are bonded."""
    bonded = len(view.verifiers(parameters.attest_bond))
    if bonded >= parameters.quorum:
        return None
    return Wait(
        "quorum",
        f"a block needs {parameters.quorum} attestations, and {count(bonded, 'verifier')} can give one",
        f"bond and start another: {pol('bond deposit 10 --role verifier --account NAME')}, then "
        f"{pol('verifier run --account NAME')}",
    )


def l1_wait(seconds: float) -> Wait | None:
    """Says that L1 stands still, None if its last block is not so many seconds old."""
    if seconds < QUIET_S:
        return None
    return Wait(
        L1_STANDS,
        f"L1 has made no block for {seconds:.0f} s, so no clock runs",
        "see whether its node is well; an anvil of one's own wants --block-time",
    )


def _in(seconds: float) -> str:
    return f"in {max(1, round(seconds))} s"


def count(number: int, what: str) -> str:
    """Returns a number of things in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"
