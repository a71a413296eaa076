"""The plan, the deployment on a devnet, and the deployment file."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from pol_oracle.l1 import deploy as deploy_module
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import ORDER, Deployment
from pol_oracle.l1.deploy import create_address, deploy, plan, verify
from pol_oracle.l1.deploying import DeployJournal, Tries
from pol_oracle.protocol.difficulty import MAX_DIFFICULTY
from pol_oracle.protocol.errors import InputError, NodeTrouble, NotMined, Reverted, RuleError, WrongChain
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.task import Task
from pol_oracle.protocol.text import printable
from pol_oracle.soak.network.lies import hang_up, honestly, result
from pol_oracle.soak.network.proxy import LyingProxy

RECEIPT = "eth_getTransactionReceipt"
CODE_LIMIT = 24_576  # bytes of a contract (EIP-170)
DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def test_create_address_known_answers() -> None:
    # the first two contracts of anvil's first account, known to everyone who has used it
    assert create_address(DEPLOYER, 0) == "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    assert create_address(DEPLOYER, 1) == "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
    assert create_address(DEPLOYER, 128) != create_address(DEPLOYER, 0)


def test_plan_is_in_order_and_closed(task: Task, parameters: Parameters) -> None:
    creations = plan(DEPLOYER, 7, task, parameters)
    addresses = {c.name: c.address for c in creations}
    assert tuple(addresses) == ORDER
    assert [c.address for c in creations] == [create_address(DEPLOYER, 7 + i) for i in range(len(ORDER))]
    named = {a for c in creations for a in c.arguments if isinstance(a, str)}
    assert named <= set(addresses.values())


def test_deploy_binds_the_contracts_to_each_other(client: Client, deployment: Deployment, task: Task) -> None:
    verify(client, deployment)
    registry = deployment.addresses["PoLRegistry"]
    assert client.call("PoLRegistry", "genesisId") == task.genesis_id(client.chain_id, registry)
    assert client.call("LearnToken", "registry") == registry
    assert client.call("BondVault", "demands") == deployment.addresses["Demands"]
    assert client.call("BondVault", "explanations") == client.call("Court", "explanations")
    assert client.call("Bounties", "court") == deployment.addresses["Court"]
    assert client.call("Court", "bounties") == client.call("Demands", "bounties") == deployment.addresses["Bounties"]
    assert client.head() == client.finalized_tip() == bytes.fromhex(deployment.genesis_id[2:])


def test_every_contract_fits_the_limit_of_code_as_the_page_says(client: Client, deployment: Deployment) -> None:
    """A node that is told to allow more would take a larger one, and a network would not."""
    page = (Path(__file__).parents[3] / "docs" / "performance.md").read_text("utf-8")
    for name, address in deployment.addresses.items():
        size = len(client.rpc.request("eth_getCode", address, "latest")) // 2 - 1
        assert 0 < size < CODE_LIMIT
        assert f"| {name} | {size:,} |" in page


def test_deploy_twice_gives_two_networks(
    client: Client, accounts: list[LocalAccount], task: Task, parameters: Parameters, deployment: Deployment
) -> None:
    again = deploy(client, accounts[0], task, parameters, spec={"name": "x"}, store=["file:///s"], confirmations=3)
    assert again.genesis_id != deployment.genesis_id
    assert again.deployed_at > deployment.deployed_at
    assert (again.spec, again.store, again.confirmations) == ({"name": "x"}, ["file:///s"], 3)


def test_deploy_without_money(client: Client, task: Task, parameters: Parameters) -> None:
    with pytest.raises(InputError, match="fund it"):
        deploy(client, Account.create(), task, parameters)


def test_deploy_with_too_little_money(client: Client, task: Task, parameters: Parameters) -> None:
    poor = Account.create()
    client.rpc.request("anvil_setBalance", poor.address, hex(10**12))
    with pytest.raises(InputError, match="fund it"):
        deploy(client, poor, task, parameters)


def test_finding_e_a_deployment_that_is_paid_for_is_waited_for_while_l1_is_away(
    proxy: LyingProxy, accounts: list[LocalAccount], task: Task, parameters: Parameters
) -> None:
    """One request without an answer gave up what was sent, and the next try paid again."""
    receipts = iter(range(7))
    with proxy.lying(lambda asked: honestly(asked) if next(receipts, None) is None else hang_up(asked), RECEIPT):
        deployed = deploy(Client.connect(proxy.url), accounts[0], task, parameters)
    verify(Client.connect(proxy.url), deployed)


def test_finding_e_a_deployment_waits_as_long_as_l1_takes(
    client: Client, accounts: list[LocalAccount], task: Task, parameters: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not two minutes, whatever the L1."""
    client.rpc.request("evm_setAutomine", False)
    monkeypatch.setattr(deploy_module, "patience_s", lambda node, confirmations: 0.25)
    with pytest.raises(NotMined, match=r"was not mined within 0\.25 s"):
        deploy(client, accounts[0], task, parameters)


def test_a_deployment_given_again_goes_on_with_what_was_sent(
    client: Client,
    accounts: list[LocalAccount],
    task: Task,
    parameters: Parameters,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """It was paid for twice when L1 was slow."""
    file, before = tmp_path / "deployment.json", client.nonce(accounts[0].address)
    client.rpc.request("evm_setAutomine", False)
    with monkeypatch.context() as impatient:
        impatient.setattr(deploy_module, "patience_s", lambda node, confirmations: 0.0)
        for _ in range(2):
            with pytest.raises(NotMined, match="the same command goes on with it"):
                deploy(client, accounts[0], task, parameters, file=file)
    client.rpc.request("evm_setAutomine", True)
    client.rpc.request("evm_mine")

    deployed = deploy(client, accounts[0], task, parameters, file=file)

    assert client.nonce(accounts[0].address, "pending") == before + len(ORDER)
    assert Deployment.load(file) == deployed
    assert list((tmp_path / "deploying").iterdir()) == []
    another = deploy(client, accounts[0], task, parameters, file=file)  # what is given after that is meant
    assert another.addresses != deployed.addresses


def test_a_deployment_whose_file_cannot_be_written_is_not_paid_for_again(
    client: Client, accounts: list[LocalAccount], task: Task, parameters: Parameters, tmp_path: Path
) -> None:
    file, before = tmp_path / "deployment.json", client.nonce(accounts[0].address)
    file.mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        deploy(client, accounts[0], task, parameters, file=file)
    file.rmdir()
    deploy(client, accounts[0], task, parameters, file=file)
    assert client.nonce(accounts[0].address) == before + len(ORDER)


def test_a_deployment_whose_nonces_were_used_otherwise_says_how_to_begin_anew(
    client: Client, accounts: list[LocalAccount], task: Task, parameters: Parameters, tmp_path: Path
) -> None:
    file, payer = tmp_path / "deployment.json", accounts[0].address
    journal = DeployJournal.of(tmp_path / "deploying", client, payer, task, parameters)
    journal.write(Tries(client.nonce(payer) - 1, [[bytes(32)] for _ in ORDER]))
    with pytest.raises(InputError, match=r"L1 does not show the contract LearnToken .* move .* away to begin anew"):
        deploy(client, accounts[0], task, parameters, file=file)


@pytest.mark.parametrize("told", [None, 7, "much", {}, "-0x1"])
def test_an_estimate_that_is_none_is_told(
    proxy: LyingProxy, accounts: list[LocalAccount], task: Task, parameters: Parameters, told: object
) -> None:
    proxy.lie(lambda asked: result(told), "eth_estimateGas")
    with pytest.raises(NodeTrouble, match="cannot be read"):
        deploy(Client.connect(proxy.url), accounts[0], task, parameters)
    assert proxy.sent == []


def test_deploy_what_the_constructor_refuses(
    client: Client, accounts: list[LocalAccount], task: Task, parameters: Parameters
) -> None:
    with pytest.raises(Reverted):
        deploy(client, accounts[0], dataclasses.replace(task, train_count=3), parameters)


def test_parameters_that_do_not_fit_are_refused_before_l1(parameters: Parameters) -> None:
    with pytest.raises(RuleError, match="miner_bond"):
        dataclasses.replace(parameters, miner_bond=1 << 96)
    with pytest.raises(RuleError, match="difficulty"):
        dataclasses.replace(parameters, difficulty=parameters.max_difficulty + 1)
    with pytest.raises(RuleError, match="difficulty"):
        dataclasses.replace(parameters, max_difficulty=MAX_DIFFICULTY + 1)
    with pytest.raises(RuleError, match="half_life"):
        dataclasses.replace(parameters, target_interval=60)


def test_verify_notices_another_task(client: Client, deployment: Deployment, task: Task) -> None:
    other = deployment.model_copy(update={"task": dataclasses.replace(task, mask_size=1)})
    with pytest.raises(WrongChain, match="taskId"):
        verify(client, other)


def test_verify_notices_swapped_contracts(client: Client, deployment: Deployment) -> None:
    swapped = deployment.addresses | {"Court": deployment.addresses["Bounties"]}
    with pytest.raises(WrongChain):
        verify(client, deployment.model_copy(update={"addresses": swapped}))


def test_file_round_trip(deployment: Deployment, tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "deployment.json"
    deployment.save(path)
    deployment.save(path)
    assert Deployment.load(path) == deployment
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_file_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pol deploy"):
        Deployment.load(tmp_path / "deployment.json")


@pytest.mark.parametrize("damage", ["", "{", "[]", "half"])  # what names no version is of the first
def test_file_damaged(deployment: Deployment, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "deployment.json"
    deployment.save(path)
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2] if damage == "half" else damage)
    with pytest.raises(InputError, match=r"is damaged: \w.*; restore it, or run `pol deploy --force`"):
        Deployment.load(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task", {}),
        ("task", {"rule_set": 9}),
        ("parameters", {"quorum": -1}),
        ("genesis_id", "0x12"),
        ("addresses", {}),
        ("rpc", "http://\x1b[2J"),
        ("store", ["\x9b2J"]),
        ("spec", {"name": "\u202e"}),
    ],
)
def test_file_with_a_bad_field(deployment: Deployment, tmp_path: Path, field: str, value: object) -> None:
    path = tmp_path / "deployment.json"
    deployment.save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(InputError, match="damaged"):
        Deployment.load(path)


@pytest.mark.parametrize("name", ["with\u00a0space", "\u5168\u89d2\u3000", "\u0645\u06cc\u200c\u062e", "\ue000"])
def test_names_of_any_script_are_taken(deployment: Deployment, tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "deployment.json"
    named = deployment.model_copy(update={"store": [str(tmp_path / name)]})
    named.save(path)

    assert Deployment.load(path) == named
    assert name.strip() in printable(named.store[0])


def test_a_name_that_steers_a_terminal_is_refused_before_anything_is_paid(
    client: Client, accounts: list[LocalAccount], task: Task, parameters: Parameters
) -> None:
    before = client.rpc.request("eth_getTransactionCount", accounts[0].address, "pending")
    with pytest.raises(InputError, match="control characters"):
        deploy(client, accounts[0], task, parameters, store=["folder/\u202egnp"])
    assert client.rpc.request("eth_getTransactionCount", accounts[0].address, "pending") == before


def test_file_in_an_impossible_place(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        deployment.save(tmp_path / "file" / "deployment.json")


def test_apes_script_does_not_replace_the_file_unasked(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from types import SimpleNamespace; from scripts.deploy import cli;"
        "cli.callback(None, SimpleNamespace(name='custom'), None, '', False, Path(sys.argv[1]))"
    )
    (tmp_path / "deployment.json").touch()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"APE_DATA_FOLDER": str(tmp_path / "ape")},
        capture_output=True,
        text=True,
    )
    assert "deployment.json exists already: replace it with --force" in done.stderr
