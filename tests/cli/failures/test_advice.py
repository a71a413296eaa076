"""Commands that `pol` advises act where the one that was called acts: with the --home and --rpc that were typed."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_account import Account
from typer.testing import CliRunner, Result

from pol_oracle import advice
from pol_oracle.cli.app import app
from pol_oracle.fixtures.l1 import L1
from pol_oracle.l1.contracts.abi import ERROR_STRING, decode_revert
from pol_oracle.l1.contracts.deployment import Deployment
from tests.cli.conftest import Pol

NOWHERE = "http://127.0.0.1:9"
WITHOUT = [  # a deployment: command, and what it advises
    ("status", "deploy TASK.toml"),
    ("miner run --dev 1", "deploy TASK.toml"),
    ("deploy devnet", "keys list"),
    ("deploy devnet --dev 0", "devnet up"),
    ("deploy devnet --account nobody", "keys new"),
    ("devnet fund 0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "devnet up"),
    ("devnet status", "devnet up"),
]
WITH = [
    ("blocks list", "miner run"),
    ("blocks list", "bond deposit"),
    ("blocks show ffff", "blocks list --limit 0"),
    ("bond deposit 1 --role miner", "keys list"),
    ("top --once", "verifier run --account NAME"),
    ("bond withdraw 1 --role miner --account nobody", "keys new"),
]


def said(*words: str) -> Result:
    """What a command says on a narrow terminal."""
    return CliRunner().invoke(app, [*words], env={"COLUMNS": "80"})


def advised(text: str) -> list[str]:
    """The commands in a text, with every space and line break that is in them."""
    return re.findall(r"`(pol\s[^`]+)`", text)


@pytest.mark.parametrize(("line", "wanted"), WITHOUT)
def test_what_is_advised_has_the_home_folder_that_was_typed(tmp_path: Path, line: str, wanted: str) -> None:
    home = str(tmp_path / "a  home; of 'mine'")

    told = said("--home", home, *line.split())
    after = said(*line.split(), "--home", home)

    assert f"pol --home {shlex.quote(home)} {wanted}" in advised(told.output)
    assert after.output == told.output


@pytest.mark.parametrize(("line", "wanted"), WITH)
def test_so_does_what_is_advised_about_a_network(
    home: Path, deployed: Deployment, l1: L1, line: str, wanted: str
) -> None:
    told = said("--home", str(home), *line.split())

    assert f"pol --home {home} {wanted}" in advised(told.output)


def test_json_says_the_same(pol: Pol, home: Path) -> None:
    told = pol("status", "--json")

    assert advised(json.loads(told.out)["error"]["message"]) == [f"pol --home {home} deploy TASK.toml"]


def test_findings_of_the_doctor_do_too(pol: Pol, home: Path) -> None:
    (finding,) = (found for found in pol("doctor", "--json").json["findings"] if found["name"] == "RPC")

    assert advised(finding["remedy"]) == [f"pol --home {home} up"]


def test_an_address_of_l1_that_was_typed_is_carried_without_its_secrets(home: Path, deployed: Deployment) -> None:
    plain = said("--rpc", NOWHERE, "--home", str(home), "bond", "show", "--dev", "1")
    secret = said("--rpc", f"{NOWHERE}/v3/5ec2e7", "--home", str(home), "bond", "show", "--dev", "1")

    assert advised(plain.output) == [f"pol --home {home} --rpc {NOWHERE} devnet status"]
    assert advised(secret.output) == [f"pol --home {home} --rpc '{NOWHERE}/…' devnet status"]
    assert "5ec2e7" not in secret.output


def test_what_the_environment_and_pol_toml_say_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pol.toml").write_text('home = "there"\n')
    monkeypatch.chdir(tmp_path)
    by_file = said("status")
    monkeypatch.setenv("POL_HOME", str(tmp_path / "elsewhere"))
    by_environment = said("status")

    assert "there/deployment.json" in by_file.output and "elsewhere/deployment.json" in by_environment.output
    assert advised(by_file.output) == advised(by_environment.output) == ["pol deploy TASK.toml"]


def test_it_is_over_with_the_command(tmp_path: Path) -> None:
    said("--home", str(tmp_path), "status")

    assert advice.pol("status") == "`pol status`"


def test_words_of_others_that_look_like_a_command_stay_as_they_are() -> None:
    words = ERROR_STRING + encode(["string"], ["run `pol keys list`"])

    with advice.given({"--home": "mine"}):
        told = str(decode_revert(words))

    assert advised(told) == ["pol keys list"]


def test_pasted_into_a_shell_it_acts_on_the_same_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "a  home; of $HOME and 'mine'"
    kept = home / "keys" / "alice.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps(Account.encrypt(b"\x11" * 32, "secret", iterations=2)))
    (command,) = advised(said("--home", str(home), "deploy", "devnet").output)

    program = shlex.join([sys.executable, "-m", "pol_oracle.cli"])
    shell = f'pol() {{ {program} "$@"; }}; {command}'
    shown = subprocess.run(["sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True)

    assert shown.returncode == 0, shown.stderr
    assert "alice" in shown.stdout
