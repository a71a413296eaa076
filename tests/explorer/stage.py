"""A chain on a real Anvil that has seen everything: forks, an orphan, three kinds of slashes, open questions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pol_oracle.agents.respond import Committer
from pol_oracle.agents.rules.actions import Prove
from pol_oracle.evidence import ClaimedTrace, FraudProof, Traced, TraceId, requirement_proof, traced
from pol_oracle.evidence.operations import operation_proof
from pol_oracle.fixtures.l1 import ETH, L1, MINER, PARAMETERS, VERIFIERS, running
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.positions import Item, Position, Tree
from pol_oracle.task import Workload, build_workload, requirements_of
from pol_oracle.task_file import TaskSpec

CHEAT = 4  # dev account
FINAL = 6  # finalized blocks
SPEC = {"name": "staged", "data": {"train": 1024, "test": 1024}, "training_steps": 256, "chain": {"difficulty_bits": 5}}
NO_PROGRAM = b""


@dataclass
class Story:
    """What happened: ids of blocks by what became of them, and the transactions that proved things."""

    l1: L1
    workload: Workload
    deployment: Deployment
    data: Path
    final: list[bytes] = field(default_factory=list)
    orphan: bytes = b""
    withheld: bytes = b""
    requirement: bytes = b""
    step: bytes = b""
    asked: bytes = b""
    wrong: tuple[int, int, float, float] = (0, 0, 0.0, 0.0)  # tensor, element, claimed, true


@contextmanager
def told(scratch: Path) -> Iterator[Story]:
    """Makes it happen, and keeps L1 running."""
    spec = TaskSpec.model_validate(SPEC)
    workload = build_workload(spec, scratch / "data")
    with running(scratch / "l1", workload.task, PARAMETERS) as l1:
        found = l1.client.deployment
        assert found is not None
        story = Story(l1, workload, found.model_copy(update={"spec": spec.model_dump()}), scratch / "data")
        l1.bond()
        l1.send(CHEAT, "BondVault", "deposit", int(Role.MINER), value=10 * ETH)
        _honest(story)
        _withheld(story)
        _proven(story)
        _open(story)
        yield story


def _honest(story: Story) -> None:
    l1 = story.l1
    tip = l1.client.finalized_tip()
    rival = l1.header(tip, 40)
    for number in range(FINAL):
        header = l1.header(tip, number)
        tip, _ = l1.propose(replace(header, correct_before=300 + 100 * number, correct_after=400 + 100 * number))
        story.final.append(tip)
        for verifier in VERIFIERS:
            l1.send(verifier, "PoLRegistry", "attest", tip, ANY_DIFFICULTY)
    story.orphan, _ = l1.propose(rival)
    l1.wait(PARAMETERS.challenge_window)
    for block in story.final:
        l1.send(MINER, "PoLRegistry", "finalize", block, block)
        for verifier in VERIFIERS:
            address = l1.account(verifier).address
            l1.send(verifier, "PoLRegistry", "settleAttestation", block, address)
    l1.send(MINER, "PoLRegistry", "orphan", story.orphan)


def _withheld(story: Story) -> None:
    l1, challenger = story.l1, VERIFIERS[0]
    story.withheld, _ = l1.propose(l1.header(story.final[-1], 51, CHEAT), CHEAT)
    position = Position(Item.ROOTS).abi()
    l1.send(VERIFIERS[1], "PoLRegistry", "attest", story.withheld, ANY_DIFFICULTY)
    l1.send(challenger, "Demands", "demand", story.withheld, position, NO_PROGRAM)
    l1.wait(PARAMETERS.answer_window)
    l1.send(challenger, "Demands", "expire", story.withheld, position)
    l1.wait(PARAMETERS.reveal_window)
    l1.send(challenger, "PoLRegistry", "forfeitBond", story.withheld)
    loser = l1.account(VERIFIERS[1]).address
    l1.send(challenger, "PoLRegistry", "settleAttestation", story.withheld, loser)


def _proven(story: Story) -> None:
    """As in ``bench/gas.py``: W' equals W, so that any odd requirement is unmet, and a first weight is wrong."""
    l1, workload = story.l1, story.workload
    state, tip = workload.initial, story.final[-1]
    numbers = (n for n in itertools.count(61) if _first_is_odd(story, n))
    for which, number in zip(("requirement", "step"), numbers, strict=False):
        header = replace(l1.header(tip, number, CHEAT), pre_root=state.root, post_root=state.root)
        step = traced(workload, header, TraceId(Tree.STEP), state)
        posts = step.program.posts_from
        claimed = Traced.of(step.program, (*step.tensors[:posts], *state.tensors))
        header = replace(header, trace_root=claimed.roots.root)
        if which == "requirement":
            proof = requirement_proof(workload, header, PARAMETERS.min_difficulty, state, state, 0)
        else:
            true, said = step.tensors[posts].reshape(-1), state.tensors[0].reshape(-1)
            element = int(np.flatnonzero(true != said)[0])
            claim = ClaimedTrace(header, TraceId(Tree.STEP), claimed.roots)
            proof = operation_proof(claim, workload.programs, step, claimed.open(posts, [element]), element)
            story.wrong = posts, element, float(said[element]), float(true[element])
        block, _ = l1.propose(header, CHEAT)
        setattr(story, which, block)
        _convict(l1, block, proof)


def _convict(l1: L1, block: bytes, proof: FraudProof) -> None:
    challenger = VERIFIERS[0]
    challenge = Committer(l1.account(challenger))(Prove(block, proof))
    l1.send(challenger, "Bounties", "commit", challenge.commitment)
    l1.wait(1)  # a proof needs a later L1 block
    l1.send(challenger, "Court", proof.function, *challenge.prove.args)


def _first_is_odd(story: Story, number: int) -> bool:
    header = story.l1.header(story.final[-1], number, CHEAT)
    return requirements_of(story.workload, header, PARAMETERS.min_difficulty)[0].odd


def _open(story: Story) -> None:
    """A pending block of which something is asked."""
    l1 = story.l1
    story.asked, _ = l1.propose(l1.header(story.final[-1], 90))
    l1.send(VERIFIERS[0], "Demands", "demand", story.asked, Position(Item.ROOTS).abi(), NO_PROGRAM)
