"""What people expect of any command: short options, settings from anywhere, tasks by name, logs, variables."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pol_oracle.cli.app import app
from pol_oracle.cli.local import logs
from pol_oracle.cli.pages import RUNNING, noticed
from pol_oracle.cli.settings import load
from pol_oracle.demo.cast import cheats
from pol_oracle.l1.contracts.deployment import ORDER, Deployment
from pol_oracle.protocol.errors import InputError
from tests.cli.conftest import Pol


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, words)
    return done.exit_code, done.stdout


@pytest.mark.parametrize("words", [(), ("bond",), ("bond", "deposit")])
def test_h_is_help(words: tuple[str, ...]) -> None:
    assert run(*words, "-h") == run(*words, "--help")
    assert run(*words, "-h")[0] == 0


def test_the_version_in_short() -> None:
    assert run("-V") == run("--version")


def test_a_shell_can_complete() -> None:
    assert "_POL_COMPLETE" in run("--show-completion")[1] or "--install-completion" in run("--help")[1]


@pytest.mark.parametrize("after", [["--home", "HOME"], ["--home=HOME"]])
def test_global_options_may_come_last(tmp_path: Path, after: list[str]) -> None:
    words = ["devnet", "status", "--json", *(word.replace("HOME", str(tmp_path / "here")) for word in after)]

    assert json.loads(run(*words)[1])["data"]["folder"] == str(tmp_path / "here" / "devnet")


def test_what_follows_two_dashes_is_no_option(pol: Pol, deployed: Deployment) -> None:
    assert "is no amount of ETH" in pol("bond", "deposit", "--role", "miner", "--dev", 1, "--", "--home").sentence


@pytest.mark.parametrize("words", [("blocks", "show", "-5"), ("bond", "deposit", "-0.5", "--role", "miner")])
def test_a_number_below_zero_is_told_as_one(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, words)

    assert done.exit_code == 2
    assert "is below zero" in done.stderr


def test_help_names_every_cheat_that_up_takes() -> None:
    said = " ".join(run("up", "--help")[1].replace("│", " ").split())

    assert all(name in said or name[-2:] in said for name in cheats())


def test_flags_win_over_the_environment_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pol.toml").write_text('home = "file"\nrpc = "http://file"\nmax_gas_price = 3\nlog_level = "info"\n')
    monkeypatch.setenv("POL_RPC", "http://environment")
    monkeypatch.setenv("POL_LOG_LEVEL", "error")

    found = load(log_level="debug", home=None)

    assert (found.home, found.rpc, found.log_level) == (Path("file"), "http://environment", "debug")
    assert found.max_gas_price == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hom = 1", "there is no setting 'hom'; did you mean home?"),
        ("nothing_of_the_kind = 1", "there are home, rpc, password_file"),
        ('max_gas_price = "much"', "pol.toml: max_gas_price cannot be used: Input should be a valid number"),
        ("home = ", "pol.toml cannot be read"),
    ],
)
def test_a_mistake_in_the_file_of_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pol.toml").write_text(text)

    with pytest.raises(InputError, match=told):
        load()


def test_a_file_of_settings_that_was_named_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POL_CONFIG", str(tmp_path / "none.toml"))

    with pytest.raises(InputError, match="cannot be read"):
        load()


def test_tasks_that_come_along_are_known_by_name(pol: Pol) -> None:
    assert pol("task", "show", "devnet", "--json").json == pol("task", "show", "tasks/devnet.toml", "--json").json
    assert "name a file, or one of " in pol("task", "show", "devnat").sentence


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("learning_rate = 1e-60", "line 2: learning_rate: is 0 when it is rounded to binary32"),
        ("batch_sise = 4", "line 2: batch_sise: there is no such key; did you mean batch_size?"),
        ("[chain]\nmin_bits = 7\nmax_bits = 6", "line 4: chain.max_bits: must be at least min_bits, which is 7"),
        ('[chain]\nminer_bond = "0"', "line 3: chain.miner_bond: must be more than 0"),
        ("[chain]\ndifficulty_bits = 3\nmin_bits = 4", "line 3: chain.difficulty_bits: difficulty_bits must be 4 to"),
        ("[data]\nsead = 1", "line 3: data.sead: there is no such key; did you mean seed?"),
    ],
)
def test_a_mistake_in_a_task_names_file_and_line(pol: Pol, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "task.toml"
    file.write_text(f'name = "x"\n{text}\n')

    assert pol("task", "show", file).sentence.startswith(f"pol: {file}: {told}")


def test_a_shell_takes_the_variables(pol: Pol, deployed: Deployment) -> None:
    told = pol("env").out

    script = f'{told}\necho "$ETH_RPC_URL $POL_REGISTRY $BOND_VAULT"'
    said = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert said == [deployed.rpc, deployed.addresses["PoLRegistry"], deployed.addresses["BondVault"]]
    assert len(pol("env", "--json").json["variables"]) == 5 + len(ORDER)


@pytest.fixture
def logged(home: Path) -> Path:
    """A miner's log, of which a part is in the file before it."""
    folder = home / "agents"
    folder.mkdir(parents=True)
    path = folder / "m1.log"
    entries = [json.dumps({"event": f"step {n}", "bits": n, "level": "info", "timestamp": "t"}) for n in range(4)]
    path.with_name("m1.log.1").write_text("\n".join(entries[:2]) + "\n")
    path.write_text("\n".join(entries[2:]) + "\nnot JSON\n")
    return path


def test_logs_reach_back_into_the_file_before(pol: Pol, logged: Path) -> None:
    assert [entry["event"] for entry in pol("logs", "-n", 4, "--json").lines] == [
        *(f"step {n}" for n in (1, 2, 3)),
        "not JSON",
    ]
    assert "step 3     bits=3" in pol("logs", "m1").out


def test_logs_of_an_agent_that_is_not_there(pol: Pol, logged: Path) -> None:
    assert "there is no log of an agent 'm2'" in pol("logs", "m2").sentence
    logged.with_name("v1.log").write_text("")
    assert "name one of m1, v1" in pol("logs").sentence


def test_a_log_that_is_followed_goes_on_in_the_next_file(logged: Path) -> None:
    """The agent renames its log when it is full."""
    found: list[str] = []
    lines = logs._new(logged)

    def read() -> None:
        while "second" not in found:
            found.append(next(lines))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while not found:
        with logged.open("a") as file:
            file.write("first\n")
        reader.join(0.1)
    logged.replace(logged.with_name("m1.log.1"))
    logged.write_text("second\n")
    reader.join(20)

    assert (found[0], found[-1]) == ("first", "second")


def test_a_block_links_to_the_page_of_an_explorer(
    pol: Pol, home: Path, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that was set, else one that runs; one that has ended, or shows another deployment, is none."""

    def page() -> str | None:
        found: str | None = pol("blocks", "show", "0", "--json").json["page"]
        return found

    there = f"/block/{deployed.genesis_id}"
    assert page() is None
    other = deployed.model_copy(update={"genesis_id": "0x" + "11" * 32})
    with noticed(home, other) as notice:
        notice.put_up("http://127.0.0.1:1")
        assert page() is None
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", "explorer"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as running:
        told = {"url": "http://127.0.0.1:2", "pid": running.pid, "genesis_id": deployed.genesis_id}
        (home / RUNNING).write_text(json.dumps(told))
        assert page() == f"http://127.0.0.1:2{there}"
        assert f"http://127.0.0.1:2{there}" in pol("blocks", "show", "0").out
        with noticed(home, deployed):
            pass
        assert page() is not None, "another explorer's is left alone"
    assert page() is None
    monkeypatch.setenv("POL_EXPLORER", "https://pol.example/")
    assert page() == f"https://pol.example{there}"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": "x"}'])
def test_a_damaged_notice_of_an_explorer_costs_a_link_and_nothing_else(
    pol: Pol, home: Path, deployed: Deployment, text: str
) -> None:
    (home / RUNNING).write_text(text)
    assert pol("blocks", "show", "0", "--json").json["page"] is None
