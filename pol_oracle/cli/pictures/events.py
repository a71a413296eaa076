"""One sentence per event of L1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.difficulty import to_bits

from .. import output
from ..names import Names
from . import parts

if TYPE_CHECKING:
    from pol_oracle.view import View

# What moves within the vault because of another event, which tells why.
FOLLOWING = (ev.Locked, ev.Unlocked, ev.Credited, ev.Forfeited, ev.Awarded)


def sentence(event: ev.Event, view: View, names: Names) -> str:
    """Returns an event in words.

    Args:
        event: of L1.
        view: the chain, up to this event or later.
        names: who is behind addresses.
    """
    block = view.blocks.get(getattr(event, "block_id", b""))
    told = parts.named(block) if block is not None else "an unknown block"
    return _of_a_block(event, told, names) or _of_a_dispute(event, told, names, view) or _of_the_vault(event, names)


def _of_a_block(event: ev.Event, block: str, names: Names) -> str:
    match event:
        case ev.BlockProposed():
            return f"{names.label(event.miner)} proposed {block}, {output.bits(to_bits(event.difficulty))}"
        case ev.HeadChanged():
            return f"{block} is the head, with {event.total_work:,} tries behind it"
        case ev.HeadContested():
            return f"{block} contends for the head"
        case ev.RivalDismissed():
            return f"{block} contends no more"
        case ev.Attested():
            return f"{names.label(event.verifier)} attested to {block}"
        case ev.BlockFinalized():
            return f"{block} is final: {output.amount(event.reward)} LEARN for {names.label(event.miner)}"
        case ev.BlockSlashed():
            return f"{block} of {names.label(event.miner)} is SLASHED ({event.kind.name.lower()})"
        case ev.BlockOrphaned():
            lost = f", and {output.amount(event.loss)} ETH of its bond burned" if event.loss else ""
            return f"{block} of {names.label(event.miner)} is orphaned{lost}"
        case ev.BondForfeited():
            return f"{names.label(event.miner)} lost {output.amount(event.amount)} ETH of bond for {block}"
        case ev.AttestationSettled():
            who = names.label(event.verifier)
            if event.loss:
                return f"{who} lost {output.amount(event.loss)} ETH for attesting to {block}"
            return f"{who} got {output.amount(event.reward)} LEARN and its bond back for attesting to {block}"
    return ""


def _of_a_dispute(event: ev.Event, block: str, names: Names, view: View) -> str:
    match event:
        case ev.ChallengeCommitted():
            return f"{names.label(event.challenger)} committed to a challenge"
        case ev.BountyAssigned():
            return f"the bounty of {block} is {names.label(event.challenger)}'s ({event.kind.name.lower()})"
        case ev.Demanded():
            until = output.clock(event.deadline)
            return f"{names.label(event.demander)} demands {event.position} of {block} until {until}"
        case ev.Revealed():
            what = next((d.position for d in view.demands.values() if d.id == event.demand_id), "a part")
            return f"{names.label(event.responder)} showed {what} of {block}"
        case ev.DeadlineMoved():
            return f"a demand about {block} has until {output.clock(event.deadline)}"
        case ev.DemandExpired():
            return f"nobody answered a demand of {names.label(event.demander)} about {block}"
        case ev.ExplanationDemanded():
            who, what = names.label(event.demander), _evaluation(event.sample)
            return f"{who} demands an explanation of {what} in {block} until {output.clock(event.deadline)}"
        case ev.Explained():
            return f"{names.label(event.author)} explained {_evaluation(event.sample)} in {block}"
        case ev.ExplanationRefuted():
            return f"{names.label(event.challenger)} refuted {names.label(event.author)}'s explanation in {block}"
        case ev.ExplanationMoved():
            return f"{_evaluation(event.sample)} in {block} can be explained until {output.clock(event.deadline)}"
        case ev.ExplanationExpired():
            return f"nobody explained {_evaluation(event.sample)} in {block}"
        case ev.DemandSettled() | ev.ExplanationSettled():
            return f"{names.label(event.beneficiary)} got the fee of {output.amount(event.fee)} ETH about {block}"
        case ev.SpeakerReleased():
            return f"{names.label(event.author)}'s bond for explaining {block} is free again"
    return ""


def _evaluation(sample: int) -> str:
    return f"the evaluation of sample {sample:,}"


def _of_the_vault(event: ev.Event, names: Names) -> str:
    match event:
        case ev.Deposited():
            return f"{names.label(event.account)} deposited {_bond(event)}"
        case ev.Unbonded():
            return f"{names.label(event.account)} took out {_bond(event)}"
        case ev.Locked():
            return f"{names.label(event.account)} has {_bond(event)} locked"
        case ev.Unlocked():
            return f"{names.label(event.account)} has {_bond(event)} free again"
        case ev.Forfeited():
            return f"{names.label(event.account)} lost {_bond(event)}, {output.amount(event.burned)} ETH burned"
        case ev.Awarded():
            won, lost = names.label(event.beneficiary), names.label(event.account)
            return f"{won} got {output.amount(event.amount)} ETH from {lost}'s {event.role.name.lower()} bond"
        case ev.Credited():
            return f"{names.label(event.account)} was credited {output.amount(event.amount)} ETH"
        case ev.Collected():
            return f"{names.label(event.account)} collected {output.amount(event.amount)} ETH"
    return type(event).__name__


def _bond(event: ev.Deposited | ev.Unbonded | ev.Locked | ev.Unlocked | ev.Forfeited) -> str:
    return f"{output.amount(event.amount)} ETH of {event.role.name.lower()} bond"
