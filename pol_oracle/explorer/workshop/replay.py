"""A block, replayed here: the verdict of `pol blocks verify`, its requirements' weights, the loss before it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pol_oracle.agents.rules.verdicts import Valid, Verdict, accusation
from pol_oracle.agents.work.follow import Follower
from pol_oracle.agents.work.replay import Replayer
from pol_oracle.canonical.layers.classifier import LOGITS
from pol_oracle.canonical.operations import coordinates
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import StepResult
from pol_oracle.protocol.rules import satisfies
from pol_oracle.task import Workload, requirements_of, segment_batch, weights_of
from pol_oracle.task.segment import segment_step
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Lineage

from ..facts.findings import Replayed, ReplayedRequirement, WeightFacts

SHOWN_LOSSES = 200  # points of the curve


def replay(follower: Follower, block: BlockView, lineage: Lineage, tell: Callable[[float], None]) -> Replayed:
    """Replays a block.

    Args:
        follower: of the task.
        block: with its header.
        lineage: of its parent.
        tell: told which part of the work is done.
    """
    header, workload = block.header, follower.workload
    assert header is not None
    verdict = Replayer(follower)(block, lineage, block.shown, lambda: False)
    losses = []
    if workload.rules.derived_state:
        state, steps = follower.post(lineage, lambda: False), workload.task.training_steps
        for step in range(steps):
            result = segment_step(workload, header.parent, step, state)
            losses.append(_loss(workload, result, segment_batch(workload, header.parent, step)))
            state = result.post
            tell(0.5 + 0.5 * step / steps)
    state = follower.grounds(header, lineage, lambda: False).pre  # under the paper's rules the miner's, from a store
    chosen = list(header.indices)
    result = workload.stepper.run(state, workload.train.images[chosen], workload.train.labels[chosen])
    required = [
        _requirement(workload, *weights_of(workload, one), one.odd, state, result.post)
        for one in requirements_of(workload, header, block.difficulty)
    ]
    size = -(-len(losses) // SHOWN_LOSSES) or 1
    means = [round(float(np.mean(losses[at : at + size])), 5) for at in range(0, len(losses), size)]
    own = round(_loss(workload, result, header.indices), 5)
    return Replayed(
        valid=isinstance(verdict, Valid), words=_words(verdict), requirements=required, losses=means, step_loss=own
    )


def _words(verdict: Verdict) -> str:
    wrong = accusation(verdict)
    if isinstance(verdict, Valid) and verdict.dead_end:
        return "the replay gives the same bits, but nothing can be built on it: what follows is not finite"
    return "the replay gives the same bits" if wrong is None else wrong.reason


def _requirement(
    workload: Workload, tensor: int, elements: list[int], odd: bool, pre: State, post: State
) -> ReplayedRequirement:
    before, after = (state.tensors[tensor].reshape(-1)[elements] for state in (pre, post))
    weight = workload.model.state[tensor]
    weights = [
        WeightFacts(place=list(coordinates(element, weight.shape)), before=str(b), after=str(a), rose=bool(a > b))
        for element, b, a in zip(elements, before, after, strict=True)
    ]
    met = satisfies(workload.rules, before.tolist(), after.tolist(), odd)
    rises = sum(one.rose for one in weights)
    return ReplayedRequirement(tensor=weight.name, odd=odd, rises=rises, met=met, weights=weights)


def _loss(workload: Workload, result: StepResult, samples: tuple[int, ...]) -> float:
    """Mean cross entropy of a step's batch before the step; for people, so in float64."""
    number = workload.stepper.program.numbered(LOGITS)
    logits = workload.stepper.replay(result.trace, lambda tensors: tensors[number].astype(np.float64))
    labels = workload.train.labels[list(samples)].astype(np.int64)
    logits = logits.reshape(len(samples), -1)
    shifted = logits - logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(samples)), labels]
    return float(total.mean())
