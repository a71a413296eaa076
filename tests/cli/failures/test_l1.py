"""An L1 that is away or another one, and a chain without what was asked for, are each told in one clear sentence."""

from __future__ import annotations

import json
from pathlib import Path

from pol_oracle.fixtures.l1 import L1
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.ports import free_port
from tests.cli.conftest import Pol
from tests.cli.finality import finalize_one


def test_no_deployment(pol: Pol, home: Path) -> None:
    said = pol("status")

    assert said.code == 1
    assert "deployment.json" in said.sentence
    assert f"`pol --home {home} deploy" in said.sentence


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
    assert f"`pol --home {home} deploy" in said.sentence


def test_damaged_deployment_file(pol: Pol, home: Path) -> None:
    home.mkdir()
    (home / "deployment.json").write_text('{"chain_id": 31337')

    said = pol("task", "show")

    assert said.code == 1
    assert "damaged" in said.sentence


def test_no_l1_to_deploy_to(pol: Pol, home: Path, tmp_path: Path) -> None:
    task = tmp_path / "task.toml"
    task.write_text('name = "x"\n')

    said = pol("deploy", task, "--dev", 0)

    assert said.code == 1
    assert f"`pol --home {home} devnet up`" in said.sentence


def test_a_deployment_file_of_an_older_version_is_not_damaged(pol: Pol, home: Path, deployed: Deployment) -> None:
    """It was told to `--force`."""
    path = home / "deployment.json"
    older = json.loads(path.read_text())
    del older["version"], older["store"]
    path.write_text(json.dumps(older))

    said = pol("task", "show")

    assert said.code == 1
    assert "is of version 1, and this pol-oracle reads version 5" in said.sentence
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
