"""What the commands do, in process, against a devnet with the contracts on it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from pol_oracle.fixtures.l1 import L1, MINER, VERIFIERS
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.devnet.ports import free_port
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.store import StateStore
from tests.cli.conftest import Pol
from tests.cli.finality import finalize_one


def test_keys_are_made_imported_and_listed(pol: Pol, home: Path, tmp_path: Path) -> None:
    password, secret = tmp_path / "password", tmp_path / "secret"
    password.write_text("correct horse\n")
    secret.write_text(dev_account(3).key.hex())

    made = pol("keys", "new", "alice", "--password-file", password, "--json").json
    imported = pol("keys", "import", "bob", "--secret-file", secret, "--password-file", password, "--json").json
    listed = pol("keys", "list", "--json").json

    assert imported["address"] == dev_account(3).address
    assert listed == {"keys": [made, imported]}
    assert dev_account(3).key.hex() not in (home / "keys" / "bob.json").read_text()


def test_password_file_can_come_from_the_environment(pol: Pol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    monkeypatch.setenv("POL_PASSWORD_FILE", str(password))

    assert pol("keys", "new", "alice").code == 0


def test_no_command_takes_a_private_key() -> None:
    from tests.cli.test_help import commands

    options = {opt for _, command in commands() for p in command.params for opt in p.opts}

    assert not {o for o in options if "private" in o or o in ("--key", "--secret", "--password")}


def test_bond_is_deposited_shown_and_withdrawn(pol: Pol, deployed: Deployment, l1: L1) -> None:
    put = pol("bond", "deposit", "2.5", "--role", "verifier", "--dev", 8, "--json").json
    shown = pol("bond", "show", dev_account(8).address, "--json").json
    taken = pol("bond", "withdraw", "--role", "verifier", "--dev", 8, "--json").json

    assert put == shown
    assert shown["bonds"] == [
        {"role": "miner", "free": "0", "locked": "0"},
        {"role": "verifier", "free": "2500000000000000000", "locked": "0"},
    ]
    assert taken["bonds"][1]["free"] == "0"
    assert taken["credit"] == "0"


@pytest.mark.parametrize("named", ["dev-8", dev_account(8).address[:12]])
def test_an_account_is_found_by_what_was_shown_of_it(pol: Pol, deployed: Deployment, named: str) -> None:
    said = pol("bond", "show", named)

    assert said.code == 0, said.err
    assert f"dev-8 {dev_account(8).address}" in said.out


def test_bond_can_be_deposited_with_a_keystore(pol: Pol, deployed: Deployment, l1: L1, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    secret = tmp_path / "secret"
    secret.write_text(dev_account(7).key.hex())
    pol("keys", "import", "carol", "--secret-file", secret, "--password-file", password)

    said = pol("bond", "deposit", "1", "--role", "miner", "--account", "carol", "--password-file", password, "--json")

    assert said.json["bonds"][0]["free"] == str(10**18)
    assert pol("bond", "show", "--account", "carol", "--json").json == said.json


def test_blocks_are_listed_and_shown(pol: Pol, l1: L1) -> None:
    block = finalize_one(l1)
    pending, _ = l1.propose(l1.header(block, 2))

    listed = pol("blocks", "list", "--json").json["blocks"]
    shown = pol("blocks", "show", "0x" + block.hex(), "--json").json

    assert [(b["height"], b["status"], b["head"]) for b in listed] == [(1, "finalized", False), (2, "pending", True)]
    assert shown["header"]["nonce"] == "1"
    assert shown["attesters"] == [dev_account(2).address, dev_account(3).address]
    assert pol("blocks", "show", pending.hex()[:8], "--json").json["id"] == "0x" + pending.hex()
    assert pol("blocks", "show", "head", "--json").json["height"] == 2
    assert pol("blocks", "show", "1", "--json").json["id"] == "0x" + block.hex()
    assert [b["difficulty_bits"] for b in listed] == [5, 5]
    listing = pol("blocks", "list").out
    assert "finalized" in listing and "pending, head" in listing and "2 of 2" in listing and "dev-1" in listing
    for digits in re.findall(r"0x[0-9a-f]+", listing)[::2]:
        assert pol("blocks", "show", digits, "--json").json["id"].startswith(digits), "it cannot be pasted back"
    text = pol("blocks", "show", "final").out
    assert "pre_root" in text
    assert "5 bits" in text
    assert str(shown["proposed_at"]) not in text
    assert time.strftime("%H:%M:%S %Z", time.localtime(shown["proposed_at"])) in text
    assert len(shown["requirements"]) == 5
    assert f"dev-1 proposed block 1 (0x{block.hex()[:10]})" in text
    assert f"block 1 (0x{block.hex()[:10]}) is final: 14 LEARN for dev-1" in text or "is final" in text


def test_demands_are_shown_with_their_block_and_watched(pol: Pol, l1: L1) -> None:
    l1.bond()
    block, _ = l1.propose(l1.header(l1.client.finalized_tip(), 1))
    nothing = b""  # bits need no descriptor
    l1.send(VERIFIERS[0], "Demands", "demand", block, Position(Item.BITS).abi(), nothing)

    (shown,) = pol("blocks", "show", block.hex(), "--json").json["demands"]
    assert (shown["state"], shown["position"]) == ("open", "all bits of the evaluation")
    assert shown["demander"] == dev_account(VERIFIERS[0]).address
    assert "all bits of the evaluation  dev-2" in pol("blocks", "show", block.hex()).out

    said = pol("blocks", "watch", "--past", "--count", 9, "--json").lines
    assert next(e for e in said if e["event"] == "Demanded")["position"] == shown["position"]


def test_watch_tells_events_as_json_lines(pol: Pol, l1: L1) -> None:
    block = finalize_one(l1)

    events = pol("blocks", "watch", "--past", "--count", 12, "--json").lines

    assert events[0]["event"] == "HeadChanged"  # genesis
    proposed = next(e for e in events if e["event"] == "BlockProposed")
    assert proposed["block_id"] == "0x" + block.hex()
    assert proposed["difficulty_bits"] == 5
    assert any(event.get("amount") == str(10 * 10**18) for event in events)


def test_watch_tells_people_sentences_without_what_goes_without_saying(pol: Pol, l1: L1) -> None:
    block = finalize_one(l1)
    name = f"block 1 (0x{block.hex()[:10]})"

    text = pol("blocks", "watch", "--past", "--count", 8).out

    assert f"dev-1 proposed {name}, 5 bits" in text
    assert "dev-1 deposited 10 ETH of miner bond" in text
    assert f"dev-2 attested to {name}" in text
    assert "locked" not in text
    assert "dev-1 has 1 ETH of miner bond locked" in pol("blocks", "watch", "--past", "--all", "--count", 9).out


def test_status_tells_head_bonds_and_reasons(pol: Pol, l1: L1) -> None:
    block = finalize_one(l1)

    said = pol("status", "--json").json

    assert said["head"] == {"id": "0x" + block.hex(), "height": 1, "total_work": "32"}
    assert said["finalized"]["height"] == 1
    assert said["difficulty_bits"] == 5
    assert "5 bits on the head" in pol("status").out
    assert {(b["account"], b["role"]) for b in said["bonds"]} == {
        (dev_account(1).address, "miner"),
        (dev_account(2).address, "verifier"),
        (dev_account(3).address, "verifier"),
    }
    assert [(m["account"], m["amount"], m["unit"]) for m in said["moves"]] == [
        (dev_account(MINER).address, str(136 * 10**17), "LEARN"),
        (dev_account(2).address, str(2 * 10**17), "LEARN"),
        (dev_account(3).address, str(2 * 10**17), "LEARN"),
    ]
    text = pol("status").out
    assert f"block 1 (0x{block.hex()[:10]}) by dev-1" in text
    assert f"mined block 1 (0x{block.hex()[:10]})" in text
    assert "+13.6 LEARN" in text


def test_plot_draws_from_chain_data(pol: Pol, l1: L1, tmp_path: Path) -> None:
    finalize_one(l1)
    picture = tmp_path / "figure.png"

    said = pol("plot", "--out", picture, "--json").json

    assert said == {"file": str(picture), "blocks": 1}
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_task_is_shown_from_l1_and_from_a_file(pol: Pol, deployed: Deployment, tmp_path: Path) -> None:
    task = tmp_path / "task.toml"
    task.write_text('name = "mine"\nbatch_size = 8\n')

    deployed_task = pol("task", "show", "--json").json
    file_task = pol("task", "show", task, "--json").json

    assert deployed_task["task_id"] == "0x" + deployed.task.id.hex()
    assert file_task["spec"]["batch_size"] == 8
    assert "spec.batch_size" in pol("task", "show", task).out


def test_difficulties_are_shown_as_real_bits_with_what_was_left_open(pol: Pol, tmp_path: Path) -> None:
    task = tmp_path / "task.toml"
    task.write_text('name = "mine"\n[chain]\ndifficulty_bits = 5.25\ntarget_interval = 60\n')
    chain = pol("task", "show", task, "--json").json["spec"]["chain"]
    assert (chain["difficulty_bits"], chain["min_bits"], chain["max_bits"]) == (5.25, 1, 11)
    assert (chain["target_interval"], chain["half_life"]) == (60, 360)

    task.write_text('name = "mine"\n[chain]\ndifficulty_bits = 12\n')
    assert "2048 batches" in pol("task", "show", task).sentence


@pytest.mark.parametrize("kind", ["digits", "cifar10"])
def test_task_shows_only_what_holds_for_its_data(pol: Pol, tmp_path: Path, kind: str) -> None:
    task = tmp_path / "task.toml"
    task.write_text(f'name = "mine"\n[data]\nkind = "{kind}"\n')

    text = pol("task", "show", task).out

    assert ("data.train" in text, "data.test" in text, "data.seed" in text) == (kind == "digits",) * 3
    assert ("data.folder" in text, "data.download" in text) == (kind == "cifar10",) * 2


def test_store_is_served_at_the_url_it_tells(pol: Pol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("uvicorn.Server.run", lambda *_, **__: None)
    port = free_port()

    said = pol("store", "serve", "--folder", tmp_path, "--port", port, "--json")

    assert said.json == {"url": f"http://127.0.0.1:{port}", "folder": str(tmp_path)}


def test_a_store_is_pruned_to_what_somebody_may_go_on_from(pol: Pol, l1: L1, tmp_path: Path) -> None:
    block = finalize_one(l1)
    pending, _ = l1.propose(l1.header(block, 2))
    view = {block_id: l1.header(parent, n) for block_id, parent, n in ((block, ZERO, 1), (pending, block, 2))}
    needed = {root for header in view.values() for root in (header.pre_root, header.post_root)}
    store = StateStore([tmp_path / "store"])
    for root in (*needed, l1.task.initial_root, bytes(32), bytes(31) + b"x"):
        store.put(root, b"weights")

    shown = pol("store", "prune", "--folder", tmp_path / "store", "--dry-run", "--json").json
    assert len(store.roots()) == len(needed) + 3
    said = pol("store", "prune", "--folder", tmp_path / "store", "--json").json

    assert said["removed"] == shown["removed"] == ["0x" + "00" * 32, "0x" + "00" * 31 + "78"]
    assert said["bytes"] == 2 * len(b"weights")
    assert store.roots() == {*needed, l1.task.initial_root}


def test_a_store_elsewhere_is_not_pruned_from_here(pol: Pol, home: Path, deployed: Deployment) -> None:
    deployed.model_copy(update={"store": ["http://127.0.0.1:1"]}).save(home / "deployment.json")

    assert "is no folder on this machine" in pol("store", "prune").sentence


def test_devnet_goes_up_down_and_up_again_with_its_chain_and_options(pol: Pol, home: Path) -> None:
    try:
        up = pol("devnet", "up", "--port", 0, "--block-time", 0.1, "--json").json
        assert up["running"]
        assert pol("devnet", "up", "--json").json["pid"] == up["pid"]
        refused = pol("devnet", "up", "--block-time", 7)
        assert refused.code == 1
        assert "already running" in refused.sentence and "devnet down` first" in refused.sentence
        before = pol("devnet", "status", "--json").json["block"]
        assert pol("devnet", "down", "--json").json == {"stopped": True}
        assert not pol("devnet", "status", "--json").json["running"]
        assert "devnet up`" in pol("devnet", "status").out
        again = pol("devnet", "up", "--json").json
        assert again["block"] >= before
        assert again["rpc"] == up["rpc"]
        pol("devnet", "down")
        state = home / "devnet" / "state.json"
        state.write_text(state.read_text()[:99])
        said = pol("devnet", "up")
        assert any(line.startswith("warning: the saved chain was damaged") for line in said.err.splitlines())
    finally:
        pol("devnet", "down")
    assert pol("devnet", "down", "--json").json == {"stopped": False}
