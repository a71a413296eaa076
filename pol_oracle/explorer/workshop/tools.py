"""What the process does, by name. Everything here runs in it, and only there."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import InputError

if TYPE_CHECKING:
    from pol_oracle.agents.work.follow import Follower
    from pol_oracle.task import Workload
    from pol_oracle.view.blocks import BlockView
    from pol_oracle.view.lineage import Lineage

    from ..facts.findings import EvidenceFacts, Learned, ModelFacts, Replayed
    from .shelf import StateShelf

HALVES = ("train", "test")
PLACE_S = 10.0  # that a place may take to say which states it has: what is asked next waits for it
_given: dict[str, Any] = {}


def prepare(deployment: str, data: Path, own: Path, states: tuple[str, ...], stage: Any) -> None:
    """Told once, when the process starts."""
    found = Deployment.model_validate_json(deployment)
    _given.update(deployment=found, data=data, own=own, states=states, stage=stage)


def labels(half: str) -> bytes:
    """Returns the labels of a half of the data set, a byte each."""
    return bytes(_samples(half).labels.astype("uint8").tobytes())


def picture(half: str, index: int) -> bytes:
    """Returns a sample as PNG.

    Raises:
        InputError: there is no such sample.
    """
    from .samples import png

    images = _samples(half).images
    if not 0 <= index < len(images):
        raise InputError(f"there is no sample {index}: the set has {len(images)}")
    return png(images[index])


def model() -> ModelFacts:
    """Returns the network's layers."""
    from .model import describe

    return describe(_workload().model, _workload().eligible)


def evidence(calldata: bytes, required: tuple[tuple[int, int, bool], ...]) -> EvidenceFacts:
    """Returns what a call of the Court showed; see ``evidence.py``."""
    from pol_oracle.l1.contracts.abi import decode_call

    from .evidence import read_evidence

    function, arguments = decode_call("Court", calldata)
    return read_evidence(_workload(), function, arguments, list(required))


def at_hand(roots: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Returns those of some roots, oldest first, whose states some place holds, as far as it says so in time."""
    from pol_oracle.store import StateStore

    held = set[bytes]()
    for place in (_given["own"], *_given["states"]):
        store, until = StateStore([place]), time.monotonic() + PLACE_S
        for root in reversed(roots):
            if root not in held and time.monotonic() < until and store.has(root):
                held.add(root)
    return tuple(root for root in roots if root in held)


def learned(root: bytes) -> Learned:
    """Returns what the state with this root has learned.

    Raises:
        StoreError: it is not at hand.
    """
    from .learning import judge

    return judge(_workload(), _state(root))


def filters(root: bytes) -> bytes:
    """Returns the first layer's filters as PNG.

    Raises:
        StoreError: the state is not at hand.
    """
    from .samples import filters_png

    return filters_png(_state(root).tensors[0])


def replayed(block: BlockView, lineage: Lineage) -> Replayed:
    """Replays a block; see ``replay.py``."""
    from .replay import replay

    stage = _given["stage"]

    def tell(part: float) -> None:
        stage[:] = [part, 1.0]

    tell(0.0)
    return replay(_follower(), block, tuple(lineage), tell)


@cache
def _workload() -> Workload:
    from pol_oracle.agents.runtime import prepare_workload

    return prepare_workload(_given["deployment"], _given["data"], 1, _given["states"])


@cache
def _follower() -> Follower:
    from pol_oracle.agents.work.follow import Follower, FollowStage

    def watch(stage: FollowStage) -> None:
        done, total = stage.height * stage.steps + stage.step, (stage.target + 1) * stage.steps
        _given["stage"][:] = [0.5 * done / max(total, 1), 1.0]

    genesis = bytes.fromhex(_given["deployment"].genesis_id.removeprefix("0x"))
    return Follower(_workload(), genesis, _shelf(), watch)


@cache
def _shelf() -> StateShelf:
    from .shelf import StateShelf

    return StateShelf(_given["own"], _given["states"])


def _samples(half: str) -> Any:
    return _workload().train if half == "train" else _workload().test


def _state(root: bytes) -> Any:
    from pol_oracle.task.workload import fetch_state

    workload = _workload()
    return workload.initial if root == workload.initial.root else fetch_state(_shelf(), workload.model, root)
