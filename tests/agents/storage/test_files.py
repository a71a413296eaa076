"""What agents keep: memory that survives, status files, commitments that a restart can open."""

from __future__ import annotations

import json
import resource
import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from eth_abi.abi import encode
from eth_account import Account

from pol_oracle.agents.monitoring.logs import log_to
from pol_oracle.agents.monitoring.records import Records
from pol_oracle.agents.respond import Committer, Responder
from pol_oracle.agents.rules.actions import Prove
from pol_oracle.agents.rules.verdicts import Invalid, Valid, Verdict
from pol_oracle.agents.storage.memory import REFUSALS, AgentMemory, RefusedCall
from pol_oracle.l1.contracts.abi import encode_call
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from tests.agents.scene import (
    GENESIS,
    MINER,
    PARAMETERS,
    ROOTS,
    V1,
    Scene,
    account_of,
    lacks,
    proof_of,
    refutation,
)

KIND = EvidenceKind.STEP
ROOT, OTHER = keccak(b"trace root"), keccak(b"other")


def test_only_what_was_found_right_survives_a_restart(tmp_path: Path) -> None:
    """What is wrong is found again: then with everything that was shown meanwhile."""
    path = tmp_path / "m.sqlite"
    bad = Invalid(keccak(b"bad"), "wrong", proof_of(keccak(b"bad")))
    missing = lacks(keccak(b"missing"), ROOTS)
    dead = Valid(keccak(b"dead"), dead_end=True)
    good = Valid(keccak(b"good"))
    memory = AgentMemory(path, GENESIS, V1)
    verdicts: list[Verdict] = [bad, missing, dead, good, good]
    for verdict in verdicts:
        memory.remember(verdict, difficulty=4096)
    memory.close()

    assert AgentMemory(path, GENESIS, V1).found_right() == {good.block_id: 4096}


def test_proofs_are_kept_in_order_until_dropped(tmp_path: Path) -> None:
    first, second = Scene().header(nonce=1), Scene().header(nonce=2)
    memory = AgentMemory(tmp_path / "m.sqlite", GENESIS, MINER)
    for proof in (first, second, first):
        memory.add_proof(proof, 5000)
    memory.close()

    memory = AgentMemory(tmp_path / "m.sqlite", GENESIS, MINER)
    assert memory.proofs() == {first: 5000, second: 5000}  # every field of a header comes back
    assert list(memory.proofs()) == [first, second]
    memory.drop_proof(first)
    assert memory.proofs() == {second: 5000}


@pytest.mark.parametrize(("genesis", "account"), [(keccak(b"other"), V1), (GENESIS, MINER)])
def test_memory_of_another_deployment_or_account_is_refused(tmp_path: Path, genesis: bytes, account: str) -> None:
    AgentMemory(tmp_path / "m.sqlite", GENESIS, V1).close()

    with pytest.raises(InputError, match="another deployment or account"):
        AgentMemory(tmp_path / "m.sqlite", genesis, account)


def test_memory_of_a_later_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    AgentMemory(tmp_path / "m.sqlite", GENESIS, V1).close()
    with closing(sqlite3.connect(tmp_path / "m.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")

    with pytest.raises(InputError, match="is of version 99, and this pol-oracle reads version 1: go on with"):
        AgentMemory(tmp_path / "m.sqlite", GENESIS, V1)


def test_salt_is_the_same_after_a_restart_and_differs_by_account_block_and_function() -> None:
    ann, bob = Account.from_key(keccak(b"ann")), Account.from_key(keccak(b"bob"))
    block, other = keccak(b"1"), keccak(b"2")
    proof = proof_of(block)
    challenge = Committer(ann)(Prove(block, proof))

    assert challenge == Committer(Account.from_key(keccak(b"ann")))(Prove(block, proof))
    salts = {
        challenge.prove.args[-1],
        Committer(ann)(Prove(block, replace(refutation(), refutes=None))).prove.args[-1],
        Committer(ann)(Prove(other, proof)).prove.args[-1],
        Committer(bob)(Prove(block, proof)).prove.args[-1],
    }
    assert len(salts) == 4


def test_commitment_is_to_the_call_that_is_sent() -> None:
    ann, block = Account.from_key(keccak(b"ann")), keccak(b"1")
    proof = proof_of(block)
    challenge = Committer(ann)(Prove(block, proof))
    call = challenge.prove

    assert (call.contract, call.function, call.args[:-1]) == ("Court", proof.function, proof.arguments)
    assert encode_call(call.contract, call.function, call.args) == call.data
    assert challenge.commitment == keccak(encode(["address", "bytes32"], [ann.address, keccak(call.data)]))
    assert challenge.commit.args == (challenge.commitment,)


def test_proofs_against_several_explanations_of_a_block_get_salts_of_their_own() -> None:
    """One that was shown must not open the next commitment to guesses."""
    committer, block = Committer(Account.from_key(keccak(b"ann"))), keccak(b"1")
    first, second = (committer(Prove(block, refutation(root))).prove for root in (ROOT, OTHER))

    assert first.args[-1] != second.args[-1]


def test_another_proof_of_a_block_gets_another_commitment() -> None:
    committer, block = Committer(Account.from_key(keccak(b"ann"))), keccak(b"1")

    proofs = (proof_of(block), proof_of(keccak(b"other evidence")), proof_of(block))
    assert len({committer(Prove(block, proof)).commitment for proof in proofs}) == 2


def test_only_the_proofs_of_a_turn_are_kept_encoded() -> None:
    """They are long, and there is one for every wrong block."""
    scene, respond = Scene(), Responder(SimpleNamespace(submit=lambda call: None), Committer(account_of(V1)), 0)
    tracemalloc.start()
    try:
        for number in range(20):
            block = keccak(b"%d" % number)
            arguments = (*proof_of(block).arguments[:1], (0, 0, 1, 2, bytes(1 << 16), []))
            respond([Prove(block, replace(proof_of(block), arguments=arguments))], scene.view)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 8 << 16


def test_status_tells_what_was_earned_and_refused(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose()
    scene.finalize(block)
    records = Records(tmp_path / "status.json", "ann", Role.MINER, MINER)
    records.refused(RefusedCall("finalize:00", "WrongStatus", "too late"))
    records.note(searching_on="ab")
    records.write(scene.history, running=False)

    status = json.loads((tmp_path / "status.json").read_text())
    assert (status["finalized_height"], status["running"], status["searching_on"]) == (1, False, "ab")
    assert status["totals"] == {"ETH": 0, "LEARN": PARAMETERS.miner_reward}
    assert status["ledger"][0]["reason"].startswith("mined block")
    assert status["refused"][0]["name"] == "WrongStatus"


def test_full_disk_costs_a_status_and_nothing_else(tmp_path: Path, file_size_limit: Callable[[int], None]) -> None:
    log_to(tmp_path / "ann.log")
    records, history = Records(tmp_path / "status.json", "ann", Role.MINER, MINER), Scene().history
    file_size_limit(10)
    records.write(history, running=False)
    assert [path.name for path in tmp_path.iterdir()] == ["ann.log"]

    file_size_limit(resource.RLIM_INFINITY)
    records.write(history, running=False)
    assert json.loads((tmp_path / "status.json").read_text())["running"] is False
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ann.log", "status.json"]
    assert "written again" in (tmp_path / "ann.log").read_text()


def test_memory_makes_up_for_what_a_full_disk_did_not_take(
    tmp_path: Path, file_size_limit: Callable[[int], None]
) -> None:
    log_to(tmp_path / "ann.log")
    path, proof = tmp_path / "m.sqlite", Scene().header(nonce=1)
    memory = AgentMemory(path, GENESIS, MINER)
    file_size_limit(0)
    memory.add_proof(proof, 5000)
    memory.add_refusal(RefusedCall("propose:00", "", "why"))
    memory.remember(Valid(keccak(b"good")), 4096)
    assert AgentMemory(path, GENESIS, MINER).proofs() == {}

    file_size_limit(resource.RLIM_INFINITY)
    memory.remember(Valid(keccak(b"better")), 4096)
    memory.close()
    memory = AgentMemory(path, GENESIS, MINER)
    assert (memory.proofs(), len(memory.refusals())) == ({proof: 5000}, 1)
    assert memory.found_right() == {keccak(b"good"): 4096, keccak(b"better"): 4096}


def test_memory_of_old_blocks_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pol_oracle.agents.storage.memory.FOUND_RIGHT", 5)
    memory = AgentMemory(tmp_path / "m.sqlite", GENESIS, V1)
    blocks = [keccak(bytes([number])) for number in range(20)]
    for block in blocks:
        memory.remember(Valid(block), 4096)
    assert list(memory.found_right()) == blocks[-5:]


def test_refusals_are_bounded_in_memory_and_status(tmp_path: Path) -> None:
    memory = AgentMemory(tmp_path / "m.sqlite", GENESIS, MINER)
    records = Records(tmp_path / "status.json", "ann", Role.MINER, MINER)
    for number in range(REFUSALS + 50):
        memory.add_refusal(RefusedCall(str(number), "", "again"))
        records.refused(RefusedCall(str(number), "", "again"))
    records.write(Scene().history, running=False)

    newest = [str(number) for number in range(50, REFUSALS + 50)]
    assert [refusal.key for refusal in memory.refusals()] == newest
    assert [entry["key"] for entry in json.loads((tmp_path / "status.json").read_text())["refused"]] == newest
