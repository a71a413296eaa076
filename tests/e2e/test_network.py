"""The whole way with a real model: honest blocks become final, a bad block of every kind is slashed for what it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.agents.config import HelperConfig
from pol_oracle.agents.helper import ChainStates
from pol_oracle.agents.production import Production
from pol_oracle.agents.rules.verdicts import Answerer
from pol_oracle.agents.runtime import prepare_workload
from pol_oracle.agents.work.answerer import HonestAnswerer
from pol_oracle.agents.work.follow import Ask, Follower
from pol_oracle.agents.work.replay import Replayer
from pol_oracle.evidence import Answer, answer_to
from pol_oracle.l1.client import Client
from pol_oracle.launch import launch
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Position
from pol_oracle.report.ledger import Unit, ledger, totals
from pol_oracle.search import Rendezvous, search_for
from pol_oracle.store import StateStore
from pol_oracle.task import Workload
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Lineage
from tests.adversaries.forging import Forgery, next_weight
from tests.adversaries.forging import honest as forged
from tests.e2e.stage import ETH, STAKE, Stage


@pytest.fixture
def real(
    tmp_path: Path, anvil: str, workload: Workload, accounts: list[LocalAccount], mine: Callable[..., None]
) -> Iterator[Stage]:
    """A stage on which the task is real."""
    deployment = launch(Client.connect(anvil), accounts[0], workload, [str(tmp_path / "store")])
    stage = Stage(tmp_path, anvil, deployment, mine)
    yield stage
    stage.close()


def telling(*forgeries: Forgery) -> Answerer:
    """Answers as these blocks' miners committed."""
    made = {forgery.id: forgery for forgery in forgeries}

    def answer(block: BlockView, lineage: Lineage, position: Position, cancelled: Ask) -> Answer:
        return answer_to(position, made[block.id].workload.programs, made[block.id])

    return answer


def test_honest_blocks_become_final_and_cheats_are_slashed_for_what_they_did(
    real: Stage, workload: Workload, accounts: list[LocalAccount], tmp_path: Path
) -> None:
    honest, ulp, lazy, liar, astray, hider, *verifiers = accounts[1:10]
    genesis = bytes.fromhex(real.deployment.genesis_id[2:])

    def follower(account: LocalAccount) -> Follower:
        return Follower(workload, genesis, StateStore([tmp_path / account.address]))

    def block(cheat: LocalAccount, missed: int | None = None) -> Forgery:
        return forged(workload, genesis, cheat.address, real.deployment.parameters.difficulty, missed=missed)

    right = {cheat: block(cheat) for cheat in (ulp, liar, astray, hider)}
    boast = right[liar].header.correct_after + 5
    secret = replace(right[hider].header, segment_root=keccak(b"a list that nobody is shown"))
    cheats = [
        (ulp, EvidenceKind.STEP, right[ulp].with_trace(next_weight(right[ulp].step))),
        (lazy, EvidenceKind.REQUIREMENT, block(lazy, missed=0)),
        (liar, EvidenceKind.ACCURACY, right[liar].with_accuracy(right[liar].bits_tree, boast)),
        (astray, EvidenceKind.STEP, right[astray].derailed(2, next_weight)),
        (hider, EvidenceKind.WITHHELD, replace(right[hider], header=secret)),
    ]
    for account in verifiers:
        own = follower(account)
        real.verifier(account, Replayer(own), HonestAnswerer(own))
    for account, _, forgery in cheats:
        real.proposing(account, [forgery.header], telling(forgery))
    own = follower(honest)
    real.mining(honest, Replayer(own), Production(own, search_for(workload)), HonestAnswerer(own))
    view = real.loops[0].view

    def fates() -> dict[str, EvidenceKind | None]:
        """Of those who have paid for it."""
        return {b.miner: b.slashed_for for b in view.blocks.values() if b.status is Status.SLASHED and b.forfeited}

    real.until(lambda: len(fates()) == 5 and len(view.finalized) > 2)

    assert fates() == {account.address: kind for account, kind, *_ in cheats}
    money = totals(ledger(real.loops[0].history.events))
    assert all(money[account.address][Unit.ETH] == -ETH for account, *_ in cheats)
    assert all(money.get(a.address, {}).get(Unit.ETH, 0) >= 0 for a in (honest, *verifiers))
    fee = real.deployment.parameters.demand_fee  # all that silence pays: the rest of that bond is burned
    assert sum(money.get(v.address, {}).get(Unit.ETH, 0) for v in verifiers) == 4 * ETH // 2 + fee
    assert real.client.learn(honest.address) >= 20 * ETH
    bond = real.client.bond(honest.address, Role.MINER)
    assert bond.free + bond.locked == STAKE
    assert {b.miner for i in view.finalized if (b := view.blocks[i]).header} == {honest.address}


def test_a_helper_computes_the_weights_of_what_l1_shows(
    real: Stage, workload: Workload, accounts: list[LocalAccount], tmp_path: Path
) -> None:
    genesis, miner = bytes.fromhex(real.deployment.genesis_id[2:]), accounts[1]

    def follower(name: str) -> Follower:
        return Follower(workload, genesis, StateStore([tmp_path / name]))

    own, helping = follower("miner"), follower("helper")
    rendezvous = Rendezvous.of({"RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"})
    assert rendezvous is not None
    config = HelperConfig(real.deployment, rendezvous, tmp_path, tmp_path / "helper", tmp_path / "helper.log", real.rpc)
    states = ChainStates(config, real.client, helping, threading.Event())
    assert states(keccak(b"nobody proposed this")) is None
    assert states(genesis) == own.end(genesis, (), lambda: False)

    loop = real.mining(miner, Replayer(own), Production(own, search_for(workload)), HonestAnswerer(own))
    real.until(lambda: len(loop.view.blocks) > 1)
    real.rounds(3)
    found = next(block for block in loop.view.blocks.values() if block.header is not None)
    assert states(found.id) == own.segment(found.id, loop.view.lineage(found.id), lambda: False).end


def test_pitfall_17_a_task_that_differs_from_l1s_is_refused(
    real: Stage, accounts: list[LocalAccount], cache: Path
) -> None:
    config = real.config(accounts[1])
    spec = real.deployment.spec | {"seed": 99}
    other = real.deployment.model_copy(update={"spec": spec})

    assert prepare_workload(config.deployment, config.cache).task == real.deployment.task
    with pytest.raises(InputError, match="differs from the one on L1 in initial_root"):
        prepare_workload(other, config.cache)
