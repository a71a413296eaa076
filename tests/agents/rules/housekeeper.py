"""What an agent does of the calls that anybody may make, and when its turn is."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pol_oracle.agents.rules.actions import Action
from pol_oracle.agents.rules.housekeeping import housekeeping
from tests.agents.scene import PARAMETERS, POLICY, Scene

WINDOW, ANSWER, TURN = PARAMETERS.challenge_window, PARAMETERS.answer_window, POLICY.turn(PARAMETERS)


def due(scene: Scene, me: str, right: Collection[bytes] | None = None) -> list[Action]:
    """What an agent does that found these blocks right; all of them, if nothing else is said."""
    known = scene.view.blocks if right is None else right
    return list(housekeeping(scene.view, me, known, PARAMETERS, POLICY))


def first_turn(scene: Scene, agents: Iterable[str], limit: int = 60) -> dict[str, int]:
    """Seconds until each agent would act, if nobody else did."""
    turns: dict[str, int] = {}
    for second in range(limit):
        turns |= {a: second for a in agents if a not in turns and due(scene, a)}
        scene.wait()
    return turns
