"""Events in words, with links to what they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.text import ether, printable

from .common import Happening, Part, hex0x

Tone = Literal["good", "bad", "open", "plain"]
TOLD = (
    *("BlockProposed", "BlockFinalized", "BlockSlashed", "BlockOrphaned", "Attested", "Demanded", "Revealed"),
    *(
        "DemandExpired",
        "ExplanationDemanded",
        "Explained",
        "ExplanationRefuted",
        "ExplanationExpired",
        "BountyAssigned",
    ),
    *("BondForfeited", "HeadContested", "Deposited", "Collected"),
)
"""Kinds of events that the front page tells; the others are only bookkeeping of these."""
WRONG = {
    EvidenceKind.REQUIREMENT: "a weight that had to move did not move the required way",
    EvidenceKind.STEP: "a value inside a training step is not what the arithmetic gives",
    EvidenceKind.ACCURACY: "the claimed accuracy does not add up",
    EvidenceKind.WITHHELD: "the miner did not show a demanded part of the block in time",
    EvidenceKind.UNEXPLAINED: "nobody could explain a claimed test result in time",
}
_TONES: dict[str, Tone] = {
    "BlockFinalized": "good",
    "BlockSlashed": "bad",
    "BondForfeited": "bad",
    "DemandExpired": "bad",
    "ExplanationExpired": "bad",
    "ExplanationRefuted": "bad",
    "Forfeited": "bad",
    "Demanded": "open",
    "ExplanationDemanded": "open",
    "HeadContested": "open",
}


class Narrator:
    """Tells events in words.

    Args:
        heights: block id -> height, as far as they are known.
        names: address -> what the operator calls it.
        own: the block whose page it is, which needs no name there.
    """

    def __init__(self, heights: Mapping[bytes, int], names: Mapping[str, str], own: bytes | None = None) -> None:
        self._heights, self._names, self._own = heights, names, own

    def tell(self, event: ev.Event) -> Happening:
        """Returns an event in words."""
        kind = type(event).__name__
        return Happening(
            kind=kind,
            tone=_TONES.get(kind, "plain"),
            words=[piece if isinstance(piece, Part) else Part(text=piece) for piece in self._words(event)],
            time=event.at.timestamp,
            l1_block=event.at.l1_block,
            tx=hex0x(event.at.tx_hash),
        )

    def who(self, account: str) -> Part:
        """Returns an account by its name or the ends of its address."""
        name = self._names.get(account)
        return Part(text=printable(name, 40) if name else f"{account[:6]}…{account[-4:]}", href=f"/account/{account}")

    def block(self, block_id: bytes) -> Part:
        """Returns a block by the beginning of its id."""
        if block_id == self._own:
            return Part(text="this block")
        height = self._heights.get(block_id)
        where = "" if height is None else f" at height {height}"
        return Part(text=f"block {block_id.hex()[:8]}{where}", href=f"/block/{hex0x(block_id)}")

    def _words(self, event: ev.Event) -> list[Part | str]:
        match event:
            case ev.BlockProposed():
                above = f" — {event.header.correct_after} test samples correct, {event.header.correct_before} before"
                return [self.who(event.miner), " proposed ", self.block(event.block_id), above]
            case ev.BlockFinalized():
                paid = f" got {ether(event.reward)} LEARN for it" if event.reward else " mined it"
                return [self.block(event.block_id), " is final; ", self.who(event.miner), paid]
            case ev.BlockSlashed():
                return [self.block(event.block_id), " was slashed: ", WRONG[event.kind]]
            case ev.BlockOrphaned():
                lost = f", and {ether(event.loss)} ETH of its bond were burned" if event.loss else ""
                return [self.block(event.block_id), f" was orphaned{lost}"]
            case ev.Attested():
                return [self.who(event.verifier), " attested to ", self.block(event.block_id)]
            case ev.HeadChanged():
                return [self.block(event.block_id), " became the head"]
            case ev.HeadContested():
                return [self.block(event.block_id), " contends with the head's branch"]
            case ev.RivalDismissed():
                return [self.block(event.block_id), " contends no more"]
            case ev.BondForfeited():
                taken = f" lost {ether(event.amount)} ETH over "
                return [
                    self.who(event.miner),
                    taken,
                    self.block(event.block_id),
                    "; proven by ",
                    self.who(event.prover),
                ]
            case ev.BountyAssigned():
                return [self.who(event.challenger), " has the bounty of ", self.block(event.block_id)]
            case ev.AttestationSettled():
                return [self.who(event.verifier), self._settled(event), self.block(event.block_id)]
        return self._dispute_words(event)

    def _settled(self, event: ev.AttestationSettled) -> str:
        if event.loss:
            return f" lost {ether(event.loss)} ETH for attesting to "
        return f" got {ether(event.reward)} LEARN for attesting to " if event.reward else " got its bond back for "

    def _dispute_words(self, event: ev.Event) -> list[Part | str]:
        match event:
            case ev.Demanded():
                return [self.who(event.demander), f" demands {event.position} of ", self.block(event.block_id)]
            case ev.Revealed():
                return [self.who(event.responder), " showed what was demanded of ", self.block(event.block_id)]
            case ev.DemandExpired():
                return ["nobody showed in time what was demanded of ", self.block(event.block_id)]
            case ev.DeadlineMoved() | ev.ExplanationMoved():
                return ["a deadline moved for ", self.block(event.block_id)]
            case ev.DemandSettled() | ev.ExplanationSettled():
                fee = f"{ether(event.fee)} ETH of fee went to "
                return [fee, self.who(event.beneficiary), " over ", self.block(event.block_id)]
            case ev.ExplanationDemanded():
                asked = f" asks how test sample {event.sample} {event.tree.name.lower()} the step is evaluated, of "
                return [self.who(event.demander), asked, self.block(event.block_id)]
            case ev.Explained():
                told = f" explained test sample {event.sample} {event.tree.name.lower()} the step, of "
                return [self.who(event.author), told, self.block(event.block_id)]
            case ev.ExplanationRefuted():
                told = f"’s explanation of test sample {event.sample} was refuted, of "
                return [self.who(event.author), told, self.block(event.block_id)]
            case ev.ExplanationExpired():
                return [f"nobody explained test sample {event.sample} in time, of ", self.block(event.block_id)]
            case ev.SpeakerReleased():
                return [
                    self.who(event.author),
                    " got back the bond of its explanations of ",
                    self.block(event.block_id),
                ]
            case ev.ChallengeCommitted():
                return [self.who(event.challenger), " committed to a challenge, sealed until it is shown"]
        return self._money_words(event)

    def _money_words(self, event: ev.Event) -> list[Part | str]:
        match event:
            case ev.Deposited():
                return [self.who(event.account), f" deposited {ether(event.amount)} ETH as {event.role.name.lower()}"]
            case ev.Unbonded():
                return [self.who(event.account), f" took {ether(event.amount)} ETH out of its bond"]
            case ev.Locked():
                return [f"{ether(event.amount)} ETH of ", self.who(event.account), " were locked"]
            case ev.Unlocked():
                return [f"{ether(event.amount)} ETH of ", self.who(event.account), " are free again"]
            case ev.Forfeited():
                taken = f" lost {ether(event.amount)} ETH, of which {ether(event.burned)} were burned"
                return [self.who(event.account), taken]
            case ev.Credited():
                return [self.who(event.account), f" was credited {ether(event.amount)} ETH"]
            case ev.Awarded():
                return [
                    f"{ether(event.amount)} ETH of ",
                    self.who(event.account),
                    " went to ",
                    self.who(event.beneficiary),
                ]
            case ev.Collected():
                return [self.who(event.account), f" collected {ether(event.amount)} ETH"]
        return [type(event).__name__]
