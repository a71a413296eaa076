"""What agents keep: memory that survives, status files, commitments that a restart can open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from pol_oracle.agents.memory import Memory, Refusal
from pol_oracle.agents.records import Records
from pol_oracle.agents.respond import Sealer
from pol_oracle.agents.verdicts import Verdict
from pol_oracle.canonical.trees import StateOpening
from pol_oracle.evidence import RequirementEvidence, commitment
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from tests.agents.scene import GENESIS, MINER, V1, Scene

NODES = st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple)
OPENINGS = st.builds(
    StateOpening, st.integers(1, 2**63), st.integers(1, 99), st.binary(min_size=256, max_size=256), NODES, NODES
)
EVIDENCE = st.builds(RequirementEvidence, st.integers(0, 63), NODES, OPENINGS, OPENINGS)


@settings(max_examples=20, deadline=None)
@given(evidence=EVIDENCE, reason=st.text(max_size=40))
def test_evidence_survives_a_restart_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, evidence: RequirementEvidence, reason: str
) -> None:
    path = tmp_path_factory.mktemp("memory") / "m.sqlite"
    bad = Verdict(keccak(b"bad"), EvidenceKind.REQUIREMENT, reason, evidence)
    good = Verdict(keccak(b"good"))
    memory = Memory(path, GENESIS, V1)
    memory.remember(bad)
    memory.remember(good)
    memory.close()

    assert Memory(path, GENESIS, V1).verdicts() == {bad.block_id: bad, good.block_id: good}


def test_proofs_are_kept_in_order_until_dropped(tmp_path: Path) -> None:
    first, second = Scene().header(nonce=1), Scene().header(nonce=2)
    memory = Memory(tmp_path / "m.sqlite", GENESIS, MINER)
    for proof in (first, second, first):
        memory.add_proof(proof)
    memory.close()

    memory = Memory(tmp_path / "m.sqlite", GENESIS, MINER)
    assert memory.proofs() == [first, second]
    memory.drop_proof(first)
    assert memory.proofs() == [second]


@pytest.mark.parametrize(("genesis", "account"), [(keccak(b"other"), V1), (GENESIS, MINER)])
def test_memory_of_another_deployment_or_account_is_refused(tmp_path: Path, genesis: bytes, account: str) -> None:
    Memory(tmp_path / "m.sqlite", GENESIS, V1).close()

    with pytest.raises(InputError, match="another deployment or account"):
        Memory(tmp_path / "m.sqlite", genesis, account)


def test_salt_is_the_same_after_a_restart_and_differs_by_account_block_and_kind() -> None:
    ann, bob = Account.from_key(keccak(b"ann")), Account.from_key(keccak(b"bob"))
    block, other = keccak(b"1"), keccak(b"2")
    challenge = Sealer(ann)(block, EvidenceKind.STEP, None)

    assert challenge == Sealer(Account.from_key(keccak(b"ann")))(block, EvidenceKind.STEP, None)
    assert challenge.commitment == commitment(ann.address, block, EvidenceKind.STEP, None, challenge.salt)
    salts = {
        Sealer(ann)(block, EvidenceKind.STEP, None).salt,
        Sealer(ann)(block, EvidenceKind.ACCURACY, None).salt,
        Sealer(ann)(other, EvidenceKind.STEP, None).salt,
        Sealer(bob)(block, EvidenceKind.STEP, None).salt,
    }
    assert len(salts) == 4


def test_status_tells_what_was_earned_and_refused(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose()
    scene.finalize(block)
    records = Records(tmp_path / "status.json", "ann", Role.MINER, MINER)
    records.refused(Refusal("finalize:00", "WrongStatus", "too late"))
    records.note(searching_on="ab")
    records.write(scene.history, running=False)

    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["finalized_height"], status["running"], status["searching_on"]) == (1, False, "ab")
    assert status["totals"] == {"ETH": 0, "LEARN": 10 * 10**18}
    assert status["ledger"][0]["reason"].startswith("mined block")
    assert status["refused"][0]["name"] == "WrongStatus"
