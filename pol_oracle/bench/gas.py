"""Gas of every call, the dearest of several where a call's gas depends on where it happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pol_oracle.protocol import derivation
from pol_oracle.protocol.eligible import packed
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind, Role

from .format import Row
from .l1 import ETH, L1, MINER, PARAMETERS, TASK, VERIFIERS, running

if TYPE_CHECKING:
    from pol_oracle.canonical.state import State
    from pol_oracle.canonical.trees import StateOpening
    from pol_oracle.chain.records import Receipt

BARS = {"propose": 200_000, "attest": 80_000, "finalize": 150_000}
HEIGHTS = 12  # enough for long and short jump pointers
SALT = bytes(range(1, 33))


@dataclass
class _Meter:
    """The dearest receipt seen per call."""

    spent: dict[str, int] = field(default_factory=dict)

    def note(self, name: str, receipt: Receipt) -> None:
        self.spent[name] = max(receipt.gas_used, self.spent.get(name, 0))


def gas(scratch: Path) -> Iterator[Row]:
    """Measures every call of the contracts on a private L1."""
    from pol_oracle.canonical.eligible import eligible_weights
    from pol_oracle.canonical.models import build_model
    from pol_oracle.canonical.state import State

    model = build_model("cnn")
    state = State.initial(model, 1)
    eligible = eligible_weights(model, TASK.rules)
    task = replace(TASK, eligible_count=eligible.count, eligible_hash=eligible.hash)
    meter = _Meter()
    with running(scratch, task) as l1:
        _bonds(l1, meter)
        tip = _honest(l1, meter)
        tip = _disputed(l1, meter, tip)
        _proven(l1, meter, tip, state)
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
            meter.note("attest", l1.send(verifier, "PoLRegistry", "attest", tip))
    lost, receipt = l1.propose(rival)
    meter.note("propose", receipt)
    l1.wait(PARAMETERS.challenge_window)
    for block in chain:
        meter.note("finalize", l1.send(MINER, "PoLRegistry", "finalize", block))
        for verifier in VERIFIERS:
            address = l1.account(verifier).address
            meter.note("settleAttestation", l1.send(verifier, "PoLRegistry", "settleAttestation", block, address))
    meter.note("orphan", l1.send(MINER, "PoLRegistry", "orphan", lost))
    return tip


def _disputed(l1: L1, meter: _Meter, tip: bytes) -> bytes:
    """A block that the committee convicts, next to one that takes its place; returns that one."""
    bad, _ = l1.propose(l1.header(tip, 51))
    good, _ = l1.propose(l1.header(tip, 52))
    challenger, *_ = VERIFIERS
    meter.note("attest", l1.send(VERIFIERS[1], "PoLRegistry", "attest", bad))
    _commit(l1, meter, challenger, bad, EvidenceKind.STEP, bytes(32))
    meter.note("openDispute", l1.send(challenger, "Court", "openDispute", bad, int(EvidenceKind.STEP), SALT))
    dispute = l1.client.call("Court", "disputeId", bad, int(EvidenceKind.STEP))
    for verifier in VERIFIERS:
        meter.note("vote", l1.send(verifier, "Committee", "vote", dispute, True))
    meter.note("settleDispute", l1.send(challenger, "Court", "settleDispute", bad, int(EvidenceKind.STEP)))
    meter.note("claimHead", l1.send(MINER, "PoLRegistry", "claimHead", good))
    l1.wait(PARAMETERS.reveal_window)
    meter.note("forfeitBond", l1.send(challenger, "PoLRegistry", "forfeitBond", bad))
    loser = l1.account(VERIFIERS[1]).address
    meter.note("settleAttestation", l1.send(challenger, "PoLRegistry", "settleAttestation", bad, loser))
    return good


def _proven(l1: L1, meter: _Meter, tip: bytes, state: State) -> None:
    """A block whose W' equals W: strictly, no requirement is met, and any one proves it."""
    from eth_abi.abi import encode
    from eth_utils.crypto import keccak

    from pol_oracle.evidence.requirements import EVIDENCE_TYPE

    made = l1.header(tip, 61)
    header = replace(made, pre_root=state.root, post_root=state.root)
    header = replace(header, indices=_indices(l1, header))
    block, _ = l1.propose(header)
    evidence = _evidence(l1, header, state)
    challenger, *_ = VERIFIERS
    _commit(l1, meter, challenger, block, EvidenceKind.REQUIREMENT, keccak(encode([EVIDENCE_TYPE], [evidence])))
    arguments = (header.astuple(), evidence, SALT)
    meter.note("proveRequirement", l1.send(challenger, "Court", "proveRequirement", *arguments))


def _commit(l1: L1, meter: _Meter, dev: int, block: bytes, kind: EvidenceKind, digest: bytes) -> None:
    from pol_oracle.protocol.hashing import keccak_abi

    types = ["address", "bytes32", "uint8", "bytes32", "bytes32"]
    commitment = keccak_abi(types, [l1.account(dev).address, block, int(kind), digest, SALT])
    meter.note("commit", l1.send(dev, "Court", "commit", commitment))
    l1.wait(1)  # a reveal needs a later L1 block


def _seed(l1: L1, header: Header) -> bytes:
    return derivation.seed(l1.task.rules, l1.task.id, header.parent, header.miner, header.pre_root, header.nonce)


def _indices(l1: L1, header: Header) -> tuple[int, ...]:
    return derivation.batch(_seed(l1, header), l1.task.batch_size, l1.task.train_count)


def _evidence(l1: L1, header: Header, state: State) -> tuple[object, ...]:
    """Opens the first required weight in W and in W', which are the same here."""
    from pol_oracle.canonical.eligible import eligible_weights

    eligible = eligible_weights(state.model, l1.task.rules)
    required = derivation.requirements(_seed(l1, header), PARAMETERS.difficulty_bits, eligible.count)
    opening = _opening(state.open(*eligible.locate(required[0].weight)))
    return (0, packed(eligible.ranges), opening, opening)


def _opening(opened: StateOpening) -> tuple[object, ...]:
    return (opened.elements, opened.tensors, opened.leaf, list(opened.tensor_path), list(opened.state_path))


def _withdrawal(l1: L1, meter: _Meter) -> None:
    verifier = VERIFIERS[0]
    l1.wait(PARAMETERS.vote_window)
    free = l1.client.bond(l1.account(verifier).address, Role.VERIFIER).free
    meter.note("unbond", l1.send(verifier, "BondVault", "unbond", int(Role.VERIFIER), free))
    meter.note("collect", l1.send(verifier, "BondVault", "collect"))
