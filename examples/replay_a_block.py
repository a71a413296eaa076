"""The package as a library: load a block from L1, replay it on this machine, and draw what its step did.

    python examples/replay_a_block.py .pol/deployment.json step.png

takes the newest block of the head's branch. ``pol blocks verify`` does the same replay.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pol_oracle.agents.rules.verdicts import Valid
from pol_oracle.agents.runtime import prepare_workload
from pol_oracle.agents.work.follow import Follower
from pol_oracle.agents.work.replay import Replayer
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.monitor import Monitor
from pol_oracle.store import StateStore
from pol_oracle.view import History, View


def read_chain(deployment: Deployment) -> View:
    """Folds all confirmed events of a deployment into a view."""
    history = History(bytes.fromhex(deployment.genesis_id.removeprefix("0x")))
    monitor = Monitor(Client.connect(deployment.rpc, deployment), deployment.deployed_at, deployment.confirmations)
    update = monitor.poll()
    history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
    return history.view


def replay_head(deployment: Deployment, home: Path) -> dict[str, float]:
    """Replays the head, bit for bit.

    Args:
        deployment: where the chain is.
        home: folder for data sets and states.

    Returns:
        Parameter name -> the share of its weights that rose in the block's step.
    """
    view = read_chain(deployment)
    block = view.blocks[view.head]
    if block.header is None:
        raise SystemExit("the head is genesis, and holds no step: let a miner run first")

    workload = prepare_workload(deployment, home / "data")
    follower = Follower(workload, view.finalized[0], StateStore([home / "states", *deployment.store]))
    verdict = Replayer(follower)(block, view.lineage(block.parent), block.shown, lambda: False)
    found = "right" if isinstance(verdict, Valid) else f"wrong: {verdict.reason}"
    print(f"block {block.id.hex()} at height {block.height} is {found}")  # noqa: T201

    before = follower.grounds(block.header, view.lineage(block.parent), lambda: False).pre
    chosen = list(block.header.indices)
    step = workload.stepper.run(before, workload.train.images[chosen], workload.train.labels[chosen])
    learnt = (weight.name for weight in workload.model.parameters)
    return {name: float(np.mean(step.post[name] > before[name])) for name in learnt}


def draw(rose: Mapping[str, float], path: Path) -> None:
    """Writes a bar per parameter tensor as PNG."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="share of weights that rose", title="What one step did")
    axes.barh(list(rose), list(rose.values()))
    axes.axvline(0.5, color="grey", linewidth=1)
    axes.invert_yaxis()
    figure.savefig(path)


if __name__ == "__main__":
    deployment_file, picture = map(Path, sys.argv[1:3])
    draw(replay_head(Deployment.load(deployment_file), deployment_file.parent), picture)
