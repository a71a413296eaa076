"""Processes on terminals of their own, and what is done to them; no agent is needed for that."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pol_oracle.demo.cast import DemoRole
from pol_oracle.soak.judging.resources import on_disk, usage
from pol_oracle.soak.network.agents import Agent, command_of, make_home
from pol_oracle.soak.network.cast import ACCOUNTS, Saver, cheat, honest
from pol_oracle.soak.network.errands import Errands
from pol_oracle.soak.network.saver import SaverOrders

WRITES = """
import signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_IGN)
print("ready", sys.stdout.isatty(), flush=True)
n = 0
while True:
    n += 1
    try:
        with open(sys.argv[1], "ab", buffering=0) as file:
            file.write(b"x" * 512)
    except OSError as error:
        open(sys.argv[1] + ".error", "w").write(type(error).__name__)
    try:
        print("line", n, flush=True)
    except OSError:
        open(sys.argv[1] + ".gone", "w").write("gone")
    time.sleep(0.005)
"""
LIMIT_S = 60.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "written"


@pytest.fixture
def agent(file: Path) -> Iterator[Agent]:
    it = Agent("it", [sys.executable, "-c", WRITES, str(file)])
    it.start()
    until(file.exists)
    yield it
    it.close()


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def grows(file: Path) -> bool:
    before = size(file)
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if size(file) > before:
            return True
        time.sleep(0.01)
    return False


def test_agent_has_a_terminal_that_is_read(agent: Agent) -> None:
    assert agent._terminal is not None
    until(lambda: agent._terminal is not None and agent._terminal.last_words.startswith("line"))
    assert agent.said("ready True")
    assert not agent.said("started")


def test_frozen_agent_stands_still_until_it_is_thawed(agent: Agent, file: Path) -> None:
    agent.freeze()
    time.sleep(0.1)
    assert not grows(file)
    agent.thaw()
    until(lambda: grows(file))


def test_killed_agent_is_no_agent_that_ended_by_itself(agent: Agent, file: Path) -> None:
    agent.kill()
    assert agent.pid is None
    assert agent.ended() is None
    agent.start()
    until(lambda: grows(file))


def test_agent_that_ends_by_itself_says_how() -> None:
    it = Agent("it", ["sh", "-c", "echo; printf '\\033[31mpol: no bond\\033[0m\\n'; exit 3"])
    it.start()
    try:
        until(lambda: it.ended() is not None)
        until(lambda: it.ended() == "exit code 3: pol: no bond")
    finally:
        it.close()


def test_full_disk_takes_nothing_until_it_is_freed(agent: Agent, file: Path) -> None:
    until(lambda: size(file) > 8192)
    agent.fill_disk()
    until(file.with_name("written.error").exists)
    until(lambda: not grows(file))
    agent.free_disk()
    until(lambda: grows(file))
    assert agent.ended() is None


def test_closed_terminal_is_gone_for_who_writes_to_it(agent: Agent, file: Path) -> None:
    agent.close_terminal()
    until(file.with_name("written.gone").exists)
    assert agent.ended() is None


def test_closed_terminal_sends_sighup() -> None:
    told = "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_DFL); print('ready', flush=True)"
    told += "; time.sleep(60)"
    it = Agent("it", [sys.executable, "-c", told])  # whoever runs the tests may ignore it
    it.start()
    try:
        until(lambda: it._terminal is not None and it._terminal.last_words == "ready")
        it.close_terminal()
        until(lambda: (it.ended() or "").startswith("SIGHUP"))
    finally:
        it.close()


def test_terminal_that_nobody_reads_holds_writers_up(agent: Agent, file: Path) -> None:
    agent.mute()
    until(lambda: not grows(file))
    agent.unmute()
    until(lambda: grows(file))


def test_agent_that_ends_when_asked_is_in_order() -> None:
    it = Agent("it", [sys.executable, "-c", "import time; print('ready', flush=True); time.sleep(60)"])
    it.start()
    until(lambda: it._terminal is not None and it._terminal.last_words == "ready")
    it.ask_to_stop()
    assert it.stopped() == f"it ended with exit code {-signal.SIGTERM} when asked to stop"
    it.close()


def test_nothing_of_an_agent_is_left(agent: Agent) -> None:
    pid, watcher = agent.pid, agent._watcher
    assert pid is not None
    assert watcher is not None
    agent.close()
    assert not Path(f"/proc/{pid}").exists()
    assert watcher.poll() is not None


def test_honest_agents_are_started_as_users_start_them_behind_their_node(tmp_path: Path) -> None:
    for party in honest():
        command = " ".join(command_of(party, tmp_path, "http://127.0.0.1:7"))
        role = "miner" if party.part is DemoRole.MINER else "verifier"
        assert f"-m pol_oracle.cli --home {tmp_path} --rpc http://127.0.0.1:7 {role} run " in command


def test_nobody_shares_an_account() -> None:
    cheats = [party for n in range(ACCOUNTS) if (party := cheat(n)) is not None]
    parties = [*honest(), *cheats]
    addresses = {party.address for party in parties} | {Saver().address}
    assert len(addresses) == len(parties) + 1
    assert len({party.name for party in parties}) == len(parties)
    assert {party.part for party in cheats} == {p for p in DemoRole if p.cheats}


def test_home_has_the_deployment_and_the_data(tmp_path: Path) -> None:
    deployment, data = tmp_path / "deployment.json", tmp_path / "data"
    deployment.write_text("{}")
    data.mkdir()
    home = make_home(tmp_path / "miner-1", deployment, data)
    assert (home / "deployment.json").read_text() == "{}"
    assert (home / "data").resolve() == data


def test_errands_are_done_one_after_the_other(tmp_path: Path) -> None:
    errands, done = Errands(tmp_path), []
    for word, code in (("first", 0), ("second", 3)):
        command = ["sh", "-c", f"ls errand-*.txt | wc -l; echo {word}; exit {code}"]
        errands.add(command, lambda code, words: done.append((code, words)))
    assert not errands.idle

    def all_done() -> bool:
        errands.turn()
        return errands.idle

    until(all_done)

    assert done == [(0, "first"), (3, "second")]


def test_errand_is_killed_only_while_it_is_under_way(tmp_path: Path) -> None:
    errands, codes = Errands(tmp_path), []
    commands = [["sleep", "60"], ["sh", "-c", "sleep 0.2"]]
    for command in commands:
        errands.add(command, lambda code, words: codes.append(code))
    errands.turn()
    errands.kill(commands[1])
    errands.kill(commands[0])

    def all_done() -> bool:
        errands.turn()
        return errands.idle

    until(all_done)
    assert codes == [-signal.SIGKILL, 0]


def test_errand_under_way_is_ended_at_the_end(tmp_path: Path) -> None:
    errands = Errands(tmp_path)
    errands.add(["sleep", "60"], lambda code, words: None)
    errands.turn()
    assert errands._now is not None
    process = errands._now[1]
    errands.close()
    assert not Path(f"/proc/{process.pid}").exists()
    assert errands.idle


def test_use_of_the_machine_is_read(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "a").write_bytes(b"x" * 1000)
    (tmp_path / "b").symlink_to("/usr", target_is_directory=True)
    assert on_disk(tmp_path) == (1, 1000)

    found = usage(os.getpid(), tmp_path)
    assert found is not None
    assert (found.memory or 0) > 1 << 20
    assert (found.threads or 0) >= 1
    assert (found.descriptors or 0) >= 3
    assert found.files == 1
    assert usage(2**22 + 1, tmp_path) is None


def test_a_user_repeats_what_failed_and_gives_nothing_twice_at_once() -> None:
    orders = SaverOrders()
    first = orders.words()
    assert first is not None
    assert first[:3] == ("bond", "deposit", "1.000001")
    assert orders.words() is None  # still under way, or in a queue: a second one would be another deposit

    assert orders.ended(-9, "killed") == "deposit 1.000001 ETH: exit code -9, killed"
    assert orders.words() == first
    orders.ended(0, "done")
    assert [order.code for order in orders.given] == [0]

    second = orders.words()
    assert second is not None
    assert second[:3] == ("bond", "withdraw", "0.100002")


def test_a_command_killed_after_its_last_line_has_done_all() -> None:
    orders = SaverOrders()
    orders.words()
    orders.ended(-9, "rewards        0 LEARN")
    second = orders.words()

    assert [order.code for order in orders.given] == [0, None]
    assert second is not None
    assert second[:2] == ("bond", "withdraw")
