"""Every failure is one clear sentence on stderr that says what to do, and a code that is not 0."""

from __future__ import annotations

import errno
import json
import os
import socket
import sqlite3
from pathlib import Path

import pytest

from pol_oracle.bench.l1 import L1, MINER, PARAMETERS
from pol_oracle.cli import session
from pol_oracle.cli.failures import expected, unexpected
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.ports import free_port
from pol_oracle.l1.records import Bond
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY
from pol_oracle.protocol.errors import PolError, StoreError
from pol_oracle.protocol.lifecycle import Role
from tests.cli.conftest import Pol


def test_no_deployment(pol: Pol) -> None:
    said = pol("status")

    assert said.code == 1
    assert "deployment.json" in said.sentence
    assert "pol deploy" in said.sentence


def test_no_rpc(pol: Pol, deployed: Deployment) -> None:
    said = pol("--rpc", f"http://127.0.0.1:{free_port()}", "status")

    assert said.code == 1
    assert "no answer from L1" in said.sentence
    assert "check that it runs" in said.sentence


def test_rpc_that_is_no_url(pol: Pol, deployed: Deployment) -> None:
    said = pol("--rpc", "localhost", "status")

    assert said.code == 1
    assert "no RPC address" in said.sentence


def test_wrong_chain_id(pol: Pol, home: Path, deployed: Deployment) -> None:
    deployed.model_copy(update={"chain_id": 1}).save(home / "deployment.json")

    said = pol("status")

    assert said.code == 1
    assert "is chain 31337, but the deployment is on chain 1" in said.sentence


def test_another_deployment(pol: Pol, home: Path, deployed: Deployment) -> None:
    deployed.model_copy(update={"genesis_id": "0x" + "11" * 32}).save(home / "deployment.json")

    said = pol("status")

    assert said.code == 1
    assert "is another deployment" in said.sentence
    assert "pol deploy" in said.sentence


def test_damaged_deployment_file(pol: Pol, home: Path) -> None:
    home.mkdir()
    (home / "deployment.json").write_text('{"chain_id": 31337')

    said = pol("task", "show")

    assert said.code == 1
    assert "damaged" in said.sentence


def test_no_l1_to_deploy_to(pol: Pol, tmp_path: Path) -> None:
    task = tmp_path / "task.toml"
    task.write_text('name = "x"\n')

    said = pol("deploy", task, "--dev", 0)

    assert said.code == 1
    assert "pol devnet up" in said.sentence


def test_task_file_with_a_mistake_names_the_line(pol: Pol, tmp_path: Path) -> None:
    task = tmp_path / "task.toml"
    task.write_text('name = "x"\nbatch_size = "four"\n')

    said = pol("task", "show", task)

    assert said.code == 1
    assert "line 2: batch_size" in said.sentence


def test_no_key_chosen(pol: Pol, deployed: Deployment) -> None:
    said = pol("bond", "deposit", "1", "--role", "miner")

    assert said.code == 1
    assert "--account NAME" in said.sentence
    assert "--dev N" in said.sentence


def test_unknown_key(pol: Pol, deployed: Deployment) -> None:
    said = pol("bond", "deposit", "1", "--role", "miner", "--account", "nobody")

    assert said.code == 1
    assert "no key 'nobody'" in said.sentence
    assert "pol keys new" in said.sentence


def test_wrong_password(pol: Pol, deployed: Deployment, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse\n")
    wrong.write_text("battery staple\n")
    assert pol("keys", "new", "alice", "--password-file", right).code == 0

    said = pol("bond", "deposit", "1", "--role", "miner", "--account", "alice", "--password-file", wrong)

    assert said.code == 1
    assert said.sentence == "pol: wrong password for key 'alice'"


def test_nobody_to_ask_for_a_password(pol: Pol) -> None:
    said = pol("keys", "new", "alice")

    assert said.code == 1
    assert "--password-file" in said.sentence


def test_contract_revert_is_decoded(pol: Pol, deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "bond", lambda *_: Bond(2 * 10**18, 0))  # taken meanwhile by another process

    said = pol("bond", "withdraw", "2", "--role", "miner", "--dev", 9)

    assert said.code == 1
    assert "insufficient bond" in said.sentence
    assert "needed 2 ETH" in said.sentence


def test_more_than_the_free_bond_cannot_be_withdrawn(pol: Pol, l1: L1) -> None:
    """It advised a deposit."""
    l1.send(MINER, "BondVault", "deposit", int(Role.MINER), value=3 * PARAMETERS.miner_bond)
    l1.propose(l1.header(l1.client.finalized_tip(), 1))

    said = pol("bond", "withdraw", "9999", "--role", "miner", "--dev", MINER)

    assert said.code == 1
    assert "cannot withdraw 9999 ETH: 2 ETH of the miner bond are free; 1 ETH are locked until" in said.sentence


def test_the_hint_for_a_missing_bond_can_be_pasted(pol: Pol, deployed: Deployment) -> None:
    said = pol("verifier", "run", "--dev", 9)

    assert said.code == 1
    command = said.sentence.split("`")[1].split()
    assert command[0] == "pol"
    pol(*command[1:])
    assert "ETH bonded" not in pol("verifier", "run", "--dev", 9, "--confirmations", "-1").err


@pytest.mark.parametrize("amount", ["one", "0", "-1", "0.0000000000000000001", "nan"])
def test_amount_that_is_none(pol: Pol, deployed: Deployment, amount: str) -> None:
    said = pol("bond", "deposit", "--role", "miner", "--dev", 1, "--", amount)

    assert said.code == 1
    assert "is no amount of ETH" in said.sentence


def test_account_that_cannot_pay(pol: Pol, deployed: Deployment) -> None:
    said = pol("bond", "deposit", "99999", "--role", "miner", "--dev", 9)

    assert said.code == 1
    assert "ETH" in said.sentence


def test_same_account_twice(pol: Pol, home: Path, deployed: Deployment, client: object) -> None:
    from pol_oracle.l1.devnet.accounts import dev_account
    from pol_oracle.l1.sending.sender import Sender

    assert isinstance(client, Client)
    with Sender(client, dev_account(9), home / "agents" / "agent.sqlite"):
        said = pol("bond", "deposit", "1", "--role", "miner", "--dev", 9)

    assert said.code == 1
    assert "process" in said.sentence


def test_corrupt_journal(pol: Pol, home: Path, deployed: Deployment) -> None:
    from pol_oracle.l1.devnet.accounts import dev_account

    (home / "agents").mkdir(parents=True)
    journal = home / "agents" / f"cli-{dev_account(9).address.lower()}.sqlite"
    journal.write_bytes(b"this is no database" * 100)

    said = pol("bond", "deposit", "1", "--role", "miner", "--dev", 9)

    assert said.code == 1
    assert str(journal) in said.sentence


def test_corrupt_memory_is_named(tmp_path: Path) -> None:
    from pol_oracle.agents.storage.memory import AgentMemory

    path = tmp_path / "dev-4-memory.sqlite"
    path.write_bytes(b"this is no database" * 100)

    with pytest.raises(StoreError, match="move it away") as caught:
        AgentMemory(path, bytes(32), "0x")
    assert str(path) in str(caught.value)


def test_nothing_to_withdraw(pol: Pol, l1: L1) -> None:
    l1.send(MINER, "BondVault", "deposit", int(Role.MINER), value=PARAMETERS.miner_bond)
    l1.propose(l1.header(l1.client.finalized_tip(), 1))

    locked = pol("bond", "withdraw", "--role", "miner", "--dev", MINER)
    nothing = pol("bond", "withdraw", "--role", "verifier", "--dev", 9)

    assert locked.code == nothing.code == 1
    assert "no free miner bond and no credit; " in locked.sentence
    assert "ETH are locked until their blocks are settled" in locked.sentence
    assert nothing.sentence == "pol: nothing to withdraw: no free verifier bond and no credit"


def test_port_to_serve_on_is_taken(pol: Pol, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = pol("store", "serve", "--folder", tmp_path, "--port", port)

    assert said.code == 1
    assert said.sentence == f"pol: port {port} is not free; choose another with --port"
    assert "serving" not in said.err


def test_no_folder_to_serve(pol: Pol, tmp_path: Path) -> None:
    said = pol("store", "serve", "--folder", tmp_path / "none")

    assert said.code == 1
    assert "there is no folder" in said.sentence
    assert "serving" not in said.err


def test_full_disk(pol: Pol, l1: L1, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    finalize_one(l1)
    picture = tmp_path / "figure.png"
    picture.symlink_to("/dev/full")

    said = pol("plot", "--out", picture)

    assert said.code == 1
    assert "the disk is full" in said.sentence
    assert "free some space" in said.sentence


def test_full_device(pol: Pol, l1: L1) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    finalize_one(l1)

    said = pol("plot", "--out", "/dev/full")

    assert said.code == 1
    assert "the disk is full (/dev/full)" in said.sentence


def test_no_folder_for_the_picture(pol: Pol, l1: L1, tmp_path: Path) -> None:
    finalize_one(l1)
    picture = tmp_path / "none" / "figure.png"

    said = pol("plot", "--out", picture)

    assert said.code == 1
    assert f"cannot read or write {picture}: no such file or folder" in said.sentence


def test_home_that_is_a_file(pol: Pol, home: Path) -> None:
    home.write_text("")

    said = pol("devnet", "up", "--port", 0)

    assert said.code == 1
    assert str(home) in said.sentence
    assert "--home" in said.sentence


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOENT, "no such file or folder"),
        (errno.ENOTDIR, "a file is where a folder should be"),
        (errno.EEXIST, "a file is where a folder should be"),
        (errno.EISDIR, "it is a folder"),
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "read-only file system"),
    ],
)
def test_disk_error_names_the_path(number: int, reason: str) -> None:
    sentence = str(expected(OSError(number, os.strerror(number), "/a/file")))

    assert sentence.startswith(f"cannot read or write /a/file: {reason}; ")


def test_full_disk_under_a_journal() -> None:
    assert "the disk is full" in str(expected(sqlite3.OperationalError("database or disk is full")))
    assert "the disk is full" in str(expected(OSError(errno.EDQUOT, "quota")))


def test_a_deployment_file_of_an_older_version_is_not_damaged(pol: Pol, home: Path, deployed: Deployment) -> None:
    """It was told to `--force`."""
    path = home / "deployment.json"
    older = json.loads(path.read_text())
    del older["version"], older["store"]
    path.write_text(json.dumps(older))

    said = pol("task", "show")

    assert said.code == 1
    assert "is of version 1, and this pol-oracle reads version 4" in said.sentence
    assert "damaged" not in said.sentence and "--force" not in said.sentence


def test_a_final_block_cannot_be_challenged(pol: Pol, l1: L1) -> None:
    """`--dry-run` printed 17 refusals, and exited 0."""
    finalize_one(l1)

    said = pol("challenge", "final", "--dry-run")

    assert said.code == 1
    assert "is finalized: nothing can be brought against it any more" in said.sentence


def test_a_height_that_is_not_there_yet(pol: Pol, deployed: Deployment) -> None:
    assert pol("blocks", "show", "999").sentence == "pol: there is no block at height 999 yet: the head is at height 0"


def test_genesis_has_a_time(pol: Pol, l1: L1) -> None:
    shown = pol("blocks", "show", "0", "--json").json

    assert abs(shown["proposed_at"] - l1.client.latest().timestamp) < 3600


def test_unknown_block(pol: Pol, deployed: Deployment) -> None:
    said = pol("blocks", "show", "0xdeadbeef")

    assert said.code == 1
    assert "no block found for '0xdeadbeef'" in said.sentence


def test_nothing_to_plot(pol: Pol, deployed: Deployment) -> None:
    said = pol("plot")

    assert said.code == 1
    assert "no block is finalized yet" in said.sentence


def test_unexpected_error_leaves_a_log(
    pol: Pol, home: Path, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(session, "history", explode)

    said = pol("status")

    assert said.code == 2
    assert "unexpected RuntimeError: boom" in said.sentence
    (log,) = (home / "logs").iterdir()
    assert str(log) in said.sentence
    assert "Traceback" in log.read_text()


def test_reports_of_unexpected_errors_do_not_pile_up(tmp_path: Path) -> None:
    for day in range(10, 40):
        (tmp_path / f"error-202601{day}-000000-1.log").write_text("old")
    unexpected(RuntimeError("boom"), tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) == 20
    assert left[0] == "error-20260121-000000-1.log"
    assert "boom" in (tmp_path / left[-1]).read_text()


def test_every_sentence_is_one_line(pol: Pol, deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise PolError("two\nlines")

    monkeypatch.setattr(session, "history", explode)

    assert pol("status").sentence == "pol: two lines"


def test_bad_setting(pol: Pol) -> None:
    said = pol("--log-level", "loud", "devnet", "status")

    assert said.code == 1
    assert "loud" in said.sentence


def test_half_of_what_torchrun_sets(pol: Pol, deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")

    said = pol("miner", "run", "--dev", 1)

    assert said.code == 1
    assert "MASTER_ADDR" in said.sentence
    assert "torchrun" in said.sentence


def finalize_one(l1: L1) -> bytes:
    """Brings one block from proposal to finality."""
    from pol_oracle.bench.l1 import VERIFIERS

    l1.bond(10 * 10**18)
    block, _ = l1.propose(l1.header(l1.client.finalized_tip(), 1))
    for verifier in VERIFIERS:
        l1.send(verifier, "PoLRegistry", "attest", block, ANY_DIFFICULTY)
    l1.wait(20)
    l1.send(MINER, "PoLRegistry", "finalize", block, block)
    for verifier in VERIFIERS:
        l1.send(verifier, "PoLRegistry", "settleAttestation", block, l1.account(verifier).address)
    return block
