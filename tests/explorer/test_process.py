"""An explorer as a process: it ends with all that it started, and has its index for itself."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pol_oracle.explorer.web.serve import ExplorerConfig, serve
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import InputError
from tests.explorer.stage import Story

LIMIT_S = 60.0
SCRIPT = """
import sys
from pathlib import Path
from pol_oracle.advice import given
from pol_oracle.explorer.web.serve import ExplorerConfig, serve
from pol_oracle.l1.contracts.deployment import Deployment
if __name__ == "__main__":
    folder, data = map(Path, sys.argv[1:])
    found = Deployment.model_validate_json((folder / "found.json").read_text())
    config = ExplorerConfig(found, found.rpc, folder / "index.sqlite", data, folder / "own", (), port=0)
    with given({"--home": "/home/of/mine"}):
        serve(config, lambda url: print(url, flush=True))
"""


@pytest.fixture
def deployment(story: Story) -> Deployment:
    return story.deployment


@pytest.fixture
def running(story: Story, deployment: Deployment, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    (tmp_path / "found.json").write_text(deployment.model_dump_json())
    script = tmp_path / "explorer.py"
    script.write_text(SCRIPT)
    words = [sys.executable, str(script), str(tmp_path), str(story.data)]
    where = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(words, env=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


def children(pid: int) -> set[int]:
    """Processes that a process began and that live."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for task in tasks for child in task.read_text().split()}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_what_works_for_it_too(
    running: tuple[subprocess.Popen[str], str], number: signal.Signals
) -> None:
    process, url = running
    deadline = time.monotonic() + LIMIT_S
    while (
        len(begun := children(process.pid)) < 2 and time.monotonic() < deadline
    ):  # the first keeps count of semaphores
        urllib.request.urlopen(f"{url}/task", timeout=30).close()  # noqa: S310  (its pictures are another one's work)
    assert len(begun) >= 2

    process.send_signal(number)
    _, said = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 0, said
    assert not re.search("Traceback|leaked", said)
    while any(Path(f"/proc/{child}").exists() for child in begun) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [child for child in begun if Path(f"/proc/{child}").exists()]


def test_an_index_is_kept_by_one_explorer(
    running: tuple[subprocess.Popen[str], str], story: Story, tmp_path: Path
) -> None:
    assert running[1].startswith("http://")
    index = tmp_path / "index.sqlite"
    config = ExplorerConfig(story.deployment, story.deployment.rpc, index, story.data, tmp_path / "own", (), port=0)
    with pytest.raises(InputError, match=r"another explorer keeps the index .*index\.sqlite"):
        serve(config)
    nowhere = ExplorerConfig(story.deployment, story.deployment.rpc, tmp_path / "no" / "x", story.data, tmp_path, ())
    with pytest.raises(InputError, match="cannot be written"):
        serve(nowhere)


class TestWithoutL1:
    @pytest.fixture
    def deployment(self, story: Story) -> Deployment:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        return story.deployment.model_copy(update={"rpc": f"http://127.0.0.1:{port}"})

    def test_pages_advise_without_telling_of_folders_here(self, running: tuple[subprocess.Popen[str], str]) -> None:
        deadline, page = time.monotonic() + LIMIT_S, ""
        while "pol devnet status" not in page and time.monotonic() < deadline:
            with urllib.request.urlopen(running[1], timeout=30) as answer:  # noqa: S310
                page = answer.read().decode()
        assert "pol devnet status" in page
        assert "/home/of/mine" not in page
