"""Verifiers that join on a node that has pruned old logs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from eth_account.signers.local import LocalAccount

from pol_oracle.agents.production import Production
from pol_oracle.agents.runtime import header_store
from pol_oracle.agents.storage.kept import FinalHeaders, FinalStates
from pol_oracle.agents.verifier import VerifierLoop
from pol_oracle.agents.work.answerer import HonestAnswerer
from pol_oracle.agents.work.follow import Follower, FollowStage
from pol_oracle.agents.work.replay import Replayer
from pol_oracle.l1.client import Client
from pol_oracle.launch import launch
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.search import search_for
from pol_oracle.soak.network.lies import pruned
from pol_oracle.soak.network.proxy import LyingProxy
from pol_oracle.store import StateStore
from pol_oracle.store.headers import HeaderStore
from pol_oracle.store.server import application
from pol_oracle.task import Workload
from tests.e2e.stage import Stage
from tests.store.hostile import serving


@pytest.fixture
def node(anvil: str) -> Iterator[LyingProxy]:
    """What is between the joiner and L1."""
    with LyingProxy(anvil) as proxy:
        yield proxy


def headers_in(folder: Path, stage: Stage) -> HeaderStore:
    return header_store(StateStore([folder]), stage.deployment)


def store_at(stage: Stage, place: str) -> None:
    """Agents that are opened from now on find this store in the deployment file."""
    stage.deployment = stage.deployment.model_copy(update={"store": [place]})


def forget(node: LyingProxy, stage: Stage, *, refuses: bool = False) -> None:
    """The node keeps no logs from before the finalized tip's proposal, and new agents are behind it."""
    tip = stage.client.finalized_tip()
    events = stage.loops[0].history.events
    first = next(e.at.l1_block for e in events if getattr(e, "block_id", None) == tip)
    node.lie(pruned(first, refuses=refuses), "eth_getLogs")
    stage.rpc = node.url


def assert_same(joined: VerifierLoop, stage: Stage, account: LocalAccount) -> None:
    """It sees what one sees that was there from the beginning, and its own bond as L1 does."""
    view, full = joined.view, stage.loops[0].view
    assert (view.head, view.head_since, view.finalized) == (full.head, full.head_since, full.finalized)
    assert list(view.live) == list(full.live)
    for block_id, block in full.live.items():
        assert view.blocks[block_id].attestations == block.attestations
        assert view.blocks[block_id].total_work == block.total_work
        assert tuple(view.lineage(block_id)) == tuple(full.lineage(block_id))
    assert view.bond(account.address, Role.VERIFIER) == full.bond(account.address, Role.VERIFIER)


def test_a_verifier_joins_from_a_served_state_and_headers_and_attests(
    tmp_path: Path,
    anvil: str,
    node: LyingProxy,
    lone: Workload,
    accounts: list[LocalAccount],
    mine: Callable[..., None],
) -> None:
    miner, first, joiner = accounts[1:4]
    served = tmp_path / "served"
    stage = Stage(tmp_path, anvil, launch(Client.connect(anvil), accounts[0], lone, [str(served)]), mine)
    genesis = bytes.fromhex(stage.deployment.genesis_id[2:])

    own = Follower(lone, genesis, StateStore([tmp_path / "first"]), home=tmp_path / "first")
    final = FinalStates(StateStore([tmp_path / "first"]), StateStore([served]), lone.model)
    headers = FinalHeaders(headers_in(served, stage))
    stage.verifier(first, Replayer(own), HonestAnswerer(own), final, headers)
    mining = Follower(lone, genesis, StateStore([tmp_path / "miner"]))
    stage.mining(miner, Replayer(mining), Production(mining, search_for(lone)), HonestAnswerer(mining))
    stage.until(lambda: len(stage.loops[0].view.finalized) > 4)
    forget(node, stage)

    with serving(application(served)) as url:
        store_at(stage, url)
        stages: list[FollowStage] = []
        late = Follower(lone, genesis, StateStore([tmp_path / "late", url]), stages.append)
        with structlog.testing.capture_logs() as logs:
            joined = stage.verifier(joiner, Replayer(late), HonestAnswerer(late))
            stage.until(lambda: any(joiner.address in block.attestations for block in joined.view.live.values()))
    told = [entry["event"] for entry in logs]
    assert told.count("old logs are pruned") == 1
    assert min(stage.height for stage in stages) >= 1  # not from genesis
    assert_same(joined, stage, joiner)
    stage.close()


@pytest.fixture
def network(stage: Stage, accounts: list[LocalAccount], tmp_path: Path) -> Stage:
    """A miner and two verifiers with final blocks, whose headers are served."""
    miner, *verifiers = accounts[1:4]
    headers = FinalHeaders(headers_in(tmp_path / "served", stage))
    for account in verifiers:
        stage.verifier(account, headers=headers)
    stage.miner(miner, blocks=5)
    stage.until(lambda: len(stage.loops[0].view.finalized) > 3)
    store_at(stage, str(tmp_path / "served"))
    return stage


def test_without_headers_one_error_says_what_to_do_until_they_are_there(
    network: Stage, node: LyingProxy, accounts: list[LocalAccount], tmp_path: Path
) -> None:
    forget(node, network)
    store_at(network, str(tmp_path / "elsewhere"))
    with structlog.testing.capture_logs() as logs:
        joined = network.verifier(accounts[5])
        network.rounds(2)
    (error,) = [entry for entry in logs if entry["log_level"] == "error"][:1]
    assert error["event"] == "there is nothing to begin from"
    assert "no usable copy of header" in error["reason"]
    assert "--rpc" in error["reason"]
    assert "a store that serves the headers of final blocks with --store" in error["reason"]
    assert not joined.view.pending

    shutil.copytree(tmp_path / "served", tmp_path / "elsewhere")
    network.until(lambda: any(accounts[5].address in block.attestations for block in joined.view.blocks.values()))
    assert_same(joined, network, accounts[5])


def test_a_miner_joins_as_well(network: Stage, node: LyingProxy, accounts: list[LocalAccount]) -> None:
    forget(node, network)
    network.miner(accounts[5], blocks=1)
    network.until(lambda: any(block.miner == accounts[5].address for block in network.loops[0].view.live.values()))


def test_a_wrong_header_is_refused(
    network: Stage, node: LyingProxy, accounts: list[LocalAccount], tmp_path: Path
) -> None:
    forget(node, network, refuses=True)
    first, second, *_ = network.loops[0].view.finalized[1:]
    place = tmp_path / "served" / f"{first.hex()}.header"
    right, wrong = place.read_bytes(), (tmp_path / "served" / f"{second.hex()}.header").read_bytes()
    place.write_bytes(wrong)
    with structlog.testing.capture_logs() as logs:
        joined = network.verifier(accounts[5])
        network.rounds()
    assert "has another hash" in next(entry["reason"] for entry in logs if entry["log_level"] == "error")
    assert not joined.view.pending

    place.write_bytes(right)
    network.rounds(2)
    assert_same(joined, network, accounts[5])
