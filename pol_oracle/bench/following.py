"""How fast a verifier follows a chain, block by block, and how soon it begins at a state that a store serves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from pol_oracle.agents.rules.verdicts import Valid
from pol_oracle.agents.work.follow import Follower
from pol_oracle.agents.work.replay import Replayer
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import keccak
from pol_oracle.search import NaiveSearch, set_up_torch
from pol_oracle.store import StateStore
from pol_oracle.store.server import serve
from pol_oracle.task import Workload, build_workload
from pol_oracle.task.proof import Base, Job, Proof
from pol_oracle.task_file import TaskSpec
from pol_oracle.view.blocks import BlockView

from .format import Row
from .timing import seconds

GENESIS, MINER = keccak(b"bench"), "0x" + "11" * 20
DIFFICULTY = BIT  # tries are nobody's concern here
START_BAR_S = 10.0


@dataclass(frozen=True)
class Size:
    """A task's size, and how a verifier is to keep up with it.

    Attributes:
        model: its name.
        rate: learning rate.
        steps: N.
        test: samples that accuracy is counted on.
        threads: of the verifier.
        bar: seconds for a block.
    """

    model: str
    rate: float
    steps: int
    test: int
    threads: int
    bar: float


SIZES = (Size("cnn", 0.1, 256, 4096, 1, 1.5), Size("resnet18-7x7", 0.03, 64, 2048, 2, 15.0))


def follow(scratch: Path) -> Iterator[Row]:
    """A block's step, its count, the segment after it and that one's count; then what a late joiner's start takes."""
    for size in SIZES:
        yield from _follow(size, scratch)


def _follow(size: Size, scratch: Path) -> Iterator[Row]:
    set_up_torch(size.threads)
    prepared, home = _workload(size, scratch), scratch / size.model
    follower = Follower(prepared, GENESIS, StateStore([home / "own"]), home=home)
    proof, block = _block(prepared, follower)
    taken = seconds(lambda: _replay(follower, block))
    yield Row(f"follow.block.{size.model}", taken, "s", bar=size.bar)
    taken = seconds(lambda: _join(prepared, home, proof))
    yield Row(f"follow.start.{size.model}", taken, "s", bar=START_BAR_S)


def _workload(size: Size, scratch: Path) -> Workload:
    spec = {"name": "follow", "model": size.model, "learning_rate": size.rate, "training_steps": size.steps}
    data = {"train": 8192, "test": size.test}
    return build_workload(TaskSpec.model_validate(spec | {"data": data}), scratch / "data", size.threads)


def _block(workload: Workload, follower: Follower) -> tuple[Proof, BlockView]:
    """A right block on genesis; the follower has come as far as its W."""
    segment = follower.segment(GENESIS, (), _never)
    follower.count(segment.end, _never)
    proof = NaiveSearch(workload).search(Job(GENESIS, MINER, DIFFICULTY), Base(segment.root, segment.end))
    assert proof is not None
    header, number = proof.header, proof.header.id(workload.task.id)
    return proof, BlockView(number, header, MINER, GENESIS, 1, DIFFICULTY, 1, 1, 0, header.correct_after)


def _replay(follower: Follower, block: BlockView) -> None:
    assert isinstance(Replayer(follower)(block, (), {}, _never), Valid)


def _join(workload: Workload, home: Path, proof: Proof) -> None:
    """W of the block's children, from its W' as a store serves it."""
    served = home / "served"
    StateStore([served]).put(proof.header.post_root, proof.post.to_bytes())
    ready: Queue[str] = Queue()
    threading.Thread(target=serve, args=(served,), kwargs={"port": 0, "ready": ready.put}, daemon=True).start()
    joiner = Follower(workload, GENESIS, StateStore([home / "late", ready.get()]), home=home / "late")
    joiner.end(proof.header.id(workload.task.id), (proof.header,), _never)


def _never() -> bool:
    return False
