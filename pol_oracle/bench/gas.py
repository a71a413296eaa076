"""Gas of every call, the dearest of several where a call's gas depends on where it happens."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pol_oracle.agents.respond import Committer
from pol_oracle.agents.rules.actions import Prove
from pol_oracle.evidence import ClaimedTrace, Traced, TraceId, requirement_proof, traced
from pol_oracle.evidence.operations import operation_proof
from pol_oracle.fixtures.l1 import ETH, L1, MINER, PARAMETERS, VERIFIERS, running
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.positions import Item, Position, Tree
from pol_oracle.task import Workload, build_workload, requirements_of
from pol_oracle.task_file import TaskSpec

from .format import Row

if TYPE_CHECKING:
    from pol_oracle.l1.records import Receipt

BARS = {"propose": 180_000, "attest": 80_000, "finalize": 150_000, "proveRequirement": 150_000}
SAMPLES = 4096  # header() of l1.py claims 1,001 of them correct
RETARGETING = replace(PARAMETERS, target_interval=1, half_life=60)  # what a proposal pays for, too
NO_PROGRAM = b""  # roots are demanded without a descriptor
HEIGHTS = 12  # enough for long and short jump pointers


@dataclass
class _Meter:
    """The dearest receipt seen per call."""

    spent: dict[str, int] = field(default_factory=dict)

    def note(self, name: str, receipt: Receipt) -> None:
        self.spent[name] = max(receipt.gas_used, self.spent.get(name, 0))


def gas(scratch: Path) -> Iterator[Row]:
    """Measures every call of the contracts on a private L1."""
    data = {"train": SAMPLES, "test": SAMPLES}
    spec = TaskSpec.model_validate({"name": "gas", "data": data, "chain": {"difficulty_bits": 5}})
    workload = build_workload(spec, scratch / "data")
    meter = _Meter()
    with running(scratch / "l1", workload.task, RETARGETING) as l1:
        _bonds(l1, meter)
        tip = _honest(l1, meter)
        tip = _withheld(l1, meter, tip)
        _proven(l1, meter, tip, workload)
        _withdrawal(l1, meter)
    for name, spent in meter.spent.items():
        yield Row(f"gas.{name}", spent, "gas", bar=BARS.get(name))


def _bonds(l1: L1, meter: _Meter) -> None:
    meter.note("deposit", l1.send(MINER, "BondVault", "deposit", int(Role.MINER), value=100 * ETH))
    for verifier in VERIFIERS:
        meter.note("deposit", l1.send(verifier, "BondVault", "deposit", int(Role.VERIFIER), value=100 * ETH))


def _honest(l1: L1, meter: _Meter) -> bytes:
    """A chain of blocks from proposal to reward, and a rival that loses; returns its tip."""
    tip = l1.client.finalized_tip()
    rival = l1.header(tip, HEIGHTS + 1)
    chain = []
    for number in range(HEIGHTS):
        tip, receipt = l1.propose(l1.header(tip, number))
        meter.note("propose", receipt)
        chain.append(tip)
        for verifier in VERIFIERS:
            meter.note("attest", l1.send(verifier, "PoLRegistry", "attest", tip, ANY_DIFFICULTY))
    lost, receipt = l1.propose(rival)
    meter.note("propose", receipt)
    l1.wait(PARAMETERS.challenge_window)
    for block in chain:
        meter.note("finalize", l1.send(MINER, "PoLRegistry", "finalize", block, block))
        for verifier in VERIFIERS:
            address = l1.account(verifier).address
            meter.note("settleAttestation", l1.send(verifier, "PoLRegistry", "settleAttestation", block, address))
    meter.note("orphan", l1.send(MINER, "PoLRegistry", "orphan", lost))
    return tip


def _withheld(l1: L1, meter: _Meter, tip: bytes) -> bytes:
    """A block of which nobody shows what is demanded, next to one that takes its place; returns that one."""
    bad, _ = l1.propose(l1.header(tip, 51))
    good, _ = l1.propose(l1.header(tip, 52))
    challenger, attester = VERIFIERS
    meter.note("attest", l1.send(attester, "PoLRegistry", "attest", bad, ANY_DIFFICULTY))
    position = Position(Item.ROOTS).abi()
    meter.note("demand", l1.send(challenger, "Demands", "demand", bad, position, NO_PROGRAM))
    l1.wait(PARAMETERS.answer_window)
    meter.note("expire", l1.send(challenger, "Demands", "expire", bad, position))
    meter.note("settle", l1.send(challenger, "Demands", "settle", bad, position))
    meter.note("claimHead", l1.send(MINER, "PoLRegistry", "claimHead", good))
    l1.wait(PARAMETERS.reveal_window)
    meter.note("forfeitBond", l1.send(challenger, "PoLRegistry", "forfeitBond", bad))
    loser = l1.account(attester).address
    meter.note("settleAttestation", l1.send(challenger, "PoLRegistry", "settleAttestation", bad, loser))
    return good


def _proven(l1: L1, meter: _Meter, tip: bytes, workload: Workload) -> None:
    """Two blocks whose W' equals W: no weight rises, which proves any odd requirement wrong.

    The second has a wrong first weight besides, which is proven instead.
    """
    state, challenger = workload.initial, VERIFIERS[0]
    numbers = (number for number in itertools.count(61) if _first_is_odd(workload, l1.header(tip, number)))
    for which, number in zip(("requirement", "operation"), numbers, strict=False):
        header = replace(l1.header(tip, number), pre_root=state.root, post_root=state.root)
        step = traced(workload, header, TraceId(Tree.STEP), state)
        posts = step.program.posts_from
        claimed = Traced.of(step.program, (*step.tensors[:posts], *state.tensors))
        header = replace(header, trace_root=claimed.roots.root)
        if which == "requirement":
            proof = requirement_proof(workload, header, PARAMETERS.min_difficulty, state, state, 0)
        else:
            element = int(np.flatnonzero(step.tensors[posts].reshape(-1) != state.tensors[0].reshape(-1))[0])
            claim = ClaimedTrace(header, TraceId(Tree.STEP), claimed.roots)
            proof = operation_proof(claim, workload.programs, step, claimed.open(posts, [element]), element)
        block, _ = l1.propose(header)
        challenge = Committer(l1.account(challenger))(Prove(block, proof))
        meter.note("commit", l1.send(challenger, "Bounties", "commit", challenge.commitment))
        l1.wait(1)  # a proof needs a later L1 block
        meter.note(proof.function, l1.send(challenger, "Court", proof.function, *challenge.prove.args))


def _first_is_odd(workload: Workload, header: Header) -> bool:
    return requirements_of(workload, header, PARAMETERS.min_difficulty)[0].odd


def _withdrawal(l1: L1, meter: _Meter) -> None:
    verifier = VERIFIERS[0]
    free = l1.client.bond(l1.account(verifier).address, Role.VERIFIER).free
    meter.note("unbond", l1.send(verifier, "BondVault", "unbond", int(Role.VERIFIER), free))
    meter.note("collect", l1.send(verifier, "BondVault", "collect"))
