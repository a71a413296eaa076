"""What is wrong with a file, a disk, a port or a setting is told in one clear sentence that says what to do."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
from pathlib import Path

import pytest

from pol_oracle.cli.failures import expected
from pol_oracle.fixtures.l1 import L1
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import StoreError
from tests.cli.conftest import Pol
from tests.cli.finality import finalize_one


def test_task_file_with_a_mistake_names_the_line(pol: Pol, tmp_path: Path) -> None:
    task = tmp_path / "task.toml"
    task.write_text('name = "x"\nbatch_size = "four"\n')

    said = pol("task", "show", task)

    assert said.code == 1
    assert "line 2: batch_size" in said.sentence


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
    assert f"cannot write {picture}: there is no folder" in said.sentence


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
