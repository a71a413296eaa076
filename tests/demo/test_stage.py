"""The demo's processes end when the demo does, however that ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pol_oracle.demo import stage
from pol_oracle.demo.cast import ROLES, DemoRole, Party, assemble
from pol_oracle.demo.stage import AgentProcesses, command_of
from pol_oracle.l1.devnet import process

CAST = assemble({n: f"0x{n:040x}" for n in range(1, len(ROLES) + 1)})
STARTS_A_CREW_AND_DIES = """
import os, signal, sys
from pathlib import Path
from pol_oracle.demo import stage
from pol_oracle.demo.cast import DemoRole, Party
stage.command_of = lambda party, home: ["sleep", "60"]
crew = stage.AgentProcesses(Path(sys.argv[1]))
crew.start((Party("a", DemoRole.MINER, 1, "0x0"), Party("b", DemoRole.MINER, 2, "0x0")))
print(*[p.pid for p in crew._processes.values()], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def party(name: str) -> Party:
    return Party(name, DemoRole.MINER, 1, "0x0")


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int], within_s: float = 60) -> bool:
    deadline = time.monotonic() + within_s
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, pids))


def test_honest_parties_are_started_as_users_start_them(tmp_path: Path) -> None:
    commands = {p.part: " ".join(command_of(p, tmp_path)) for p in CAST}

    assert f"-m pol_oracle.cli --home {tmp_path} miner run " in commands[DemoRole.MINER]
    assert f"-m pol_oracle.cli --home {tmp_path} verifier run " in commands[DemoRole.VERIFIER]
    for part in (p for p in DemoRole if not p.honest):
        assert f"-m pol_oracle.demo.cheat --part {part.name}" in commands[part]
    assert all("OMP_NUM_THREADS=1" in command for command in commands.values())


def test_crew_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "command_of", lambda *_: ["sleep", "60"])
    with AgentProcesses(tmp_path) as crew:
        crew.start((party("a"), party("b")))
        pids = [p.pid for p in crew._processes.values()]
        assert all(map(alive, pids))
        assert crew.ended() == {}

    assert gone(pids)


def test_what_runs_beside_the_parties_ends_with_them(tmp_path: Path) -> None:
    with AgentProcesses(tmp_path) as crew:
        crew.start((), {"beside": ["sleep", "60"]})
        pids = [p.pid for p in crew._processes.values()]
        assert crew.ended() == {}

    assert len(pids) == 1 and gone(pids)


def test_crew_is_ended_on_an_error_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "command_of", lambda *_: ["sleep", "60"])
    pids: list[int] = []

    def interrupted() -> None:
        with AgentProcesses(tmp_path) as crew:
            crew.start((party("a"),))
            pids.extend(p.pid for p in crew._processes.values())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert gone(pids)


def test_stubborn_process_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "command_of", lambda *_: ["sh", "-c", "trap '' TERM; echo ready; sleep 60 & wait; wait"])
    monkeypatch.setattr(stage, "STOP_LIMIT_S", 0.3)
    with AgentProcesses(tmp_path) as crew:
        crew.start((party("a"),))
        pids = [p.pid for p in crew._processes.values()]
        while "ready" not in (tmp_path / "output" / "a.txt").read_text():
            time.sleep(0.01)

    assert gone(pids)


def test_process_that_ends_early_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "command_of", lambda *_: ["sh", "-c", "echo 'pol: no bond' >&2; exit 1"])
    with AgentProcesses(tmp_path) as crew:
        crew.start((party("a"),))
        deadline = time.monotonic() + 60
        while not crew.ended() and time.monotonic() < deadline:
            time.sleep(0.02)

        assert crew.ended() == {"a": "pol: no bond"}


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads /proc")
def test_killed_demo_takes_its_processes_with_it(tmp_path: Path) -> None:
    demo = subprocess.run([sys.executable, "-c", STARTS_A_CREW_AND_DIES, str(tmp_path)], capture_output=True, text=True)

    assert demo.returncode == -signal.SIGKILL
    assert gone([int(pid) for pid in demo.stdout.split()])


def test_what_processes_print_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that runs for months: each entry of its agents' logs is printed, too."""
    monkeypatch.setattr(process, "OUTPUT_BYTES", 10_000)
    printed, go_on = tmp_path / "output" / "a.txt", tmp_path / "go on"
    says = f"head -c 20000 /dev/zero; while [ ! -e '{go_on}' ]; do sleep 0.01; done; echo and on; exec sleep 60"
    with AgentProcesses(tmp_path) as crew:
        crew.start((), {"a": ["sh", "-c", says]})
        assert comes(lambda: printed.stat().st_size == 20_000)
        assert crew.ended() == {}
        assert printed.stat().st_size == 0
        go_on.touch()
        assert comes(lambda: printed.read_bytes() == b"and on\n"), "at the beginning of the file"


def comes(condition: Callable[[], bool], within_s: float = 60) -> bool:
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()
