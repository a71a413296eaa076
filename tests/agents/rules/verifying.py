"""What a verifier decides, and what it tells L1 of it."""

from __future__ import annotations

from pol_oracle.agents.rules.actions import Action
from pol_oracle.agents.rules.decide import decide_verifier
from pol_oracle.agents.rules.knowledge import Verifier
from pol_oracle.l1.sending.calls import Call
from tests.agents.scene import PARAMETERS, POLICY, Scene, sent


def decide(scene: Scene, own: Verifier) -> tuple[Action, ...]:
    return decide_verifier(scene.view, own, PARAMETERS, POLICY)


def calls(scene: Scene, own: Verifier, depth: int = 0) -> list[Call]:
    """What L1 is to be told."""
    return sent(scene, decide(scene, own), depth)
