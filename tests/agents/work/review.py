"""A queue of replays that a test controls, and replays that note what they are given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog

from pol_oracle.agents.rules.verdicts import Replay, Valid, Verdict
from pol_oracle.agents.storage.memory import AgentMemory
from pol_oracle.agents.work.replay_queue import ReplayQueue
from pol_oracle.agents.work.worker import Background
from pol_oracle.evidence import Shown
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Lineage
from tests.agents.scene import GENESIS, PARAMETERS, V1, Scene, join

Cancel = Callable[[], bool]


class Review:
    """A queue of replays that the test controls."""

    def __init__(self, path: Path, replay: Replay, me: str = V1) -> None:
        self.memory = AgentMemory(path / "m.sqlite", GENESIS, me)
        self.queue = ReplayQueue(replay, self.memory, me, PARAMETERS, structlog.get_logger(), Background(0))

    def turns(self, scene: Scene, count: int = 1) -> None:
        for _ in range(count):
            self.queue.turn(scene.view)
            join("replay")


def finding(wrong: Callable[[BlockView], Verdict], seen: list[bytes]) -> Replay:
    """A replay that notes what it is given."""

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        seen.append(block.id)
        return wrong(block)

    return replay


def right(block: BlockView) -> Verdict:
    return Valid(block.id)


def until_idle(review: Review, scene: Scene) -> None:
    """Turns until a replay that was asked to stop has stopped, and the next one runs."""
    review.queue.turn(scene.view)
    if review.queue._worker.cancelled:
        join("replay")
        review.queue.turn(scene.view)
