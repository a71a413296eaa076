"""The whole way with a real model: honest blocks become final, a bad block of every kind is slashed for what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.agents.answerer import StoreAnswerer, describer
from pol_oracle.agents.job import Produce
from pol_oracle.agents.launch import launch
from pol_oracle.agents.miner import StorePublisher
from pol_oracle.agents.production import Production
from pol_oracle.agents.replay import Replayer
from pol_oracle.agents.runtime import prepare_workload
from pol_oracle.chain.client import Client
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.lifecycle import EvidenceKind, Role, Status
from pol_oracle.report.ledger import Unit, ledger, totals
from pol_oracle.search import Proof, search_for
from pol_oracle.store import StateStore
from pol_oracle.task import Workload
from tests.e2e.cheats import Cheat, flattered, one_ulp_off
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


def keep(proof: Proof) -> None:
    """Publishes nothing."""


@pytest.mark.timeout(300)
def test_honest_blocks_become_final_and_cheats_are_slashed_for_what_they_did(
    real: Stage, workload: Workload, accounts: list[LocalAccount]
) -> None:
    store = StateStore(real.deployment.store)
    publish, replay = StorePublisher(store), Replayer(workload, store)
    honest, ulp, lazy, liar, hider, *verifiers = accounts[1:9]
    for account in verifiers:
        real.verifier(account, replay, StoreAnswerer(workload, store), describer(workload))
    hidden, unsearched = Cheat(workload, searched=True, trained=True), Cheat(workload, searched=False)
    cheats: list[tuple[LocalAccount, EvidenceKind, Produce, Callable[[Proof], None]]] = [
        (ulp, EvidenceKind.STEP, Cheat(workload, True, one_ulp_off), publish),
        (lazy, EvidenceKind.REQUIREMENT, unsearched, publish),
        (liar, EvidenceKind.ACCURACY, Cheat(workload, True, flattered), publish),
        (hider, EvidenceKind.WITHHELD, hidden, keep),
    ]
    for account, _, produce, publisher in cheats:
        real.mining(account, replay, produce, publisher)
    answer = StoreAnswerer(workload, store)
    real.mining(honest, replay, Production(workload, store, search_for(workload)), publish, answer)
    view = real.loops[0].view

    def fates() -> dict[str, EvidenceKind | None]:
        return {b.miner: b.slashed_for for b in view.blocks.values() if b.status is Status.SLASHED}

    real.until(lambda: len(fates()) == 4 and len(view.finalized) > 2, patient=True)
    real.rounds(6)  # bonds of the slashed are collected after the reveal window

    assert fates() == {account.address: kind for account, kind, *_ in cheats}
    money = totals(ledger(real.loops[0].history.events))
    assert all(money[account.address][Unit.ETH] == -ETH for account, *_ in cheats)
    assert all(money.get(a.address, {}).get(Unit.ETH, 0) >= 0 for a in (honest, *verifiers))
    assert sum(money.get(v.address, {}).get(Unit.ETH, 0) for v in verifiers) == 4 * ETH // 2
    assert real.client.learn(honest.address) >= 20 * ETH
    bond = real.client.bond(honest.address, Role.MINER)
    assert bond.free + bond.locked == STAKE
    assert {b.miner for i in view.finalized if (b := view.blocks[i]).header} == {honest.address}


def test_pitfall_17_a_task_that_differs_from_l1s_is_refused(
    real: Stage, accounts: list[LocalAccount], cache: Path
) -> None:
    config = real.config(accounts[1])
    spec = real.deployment.spec | {"seed": 99}
    other = real.deployment.model_copy(update={"spec": spec})

    assert prepare_workload(config.deployment, config.cache).task == real.deployment.task
    with pytest.raises(InputError, match="differs from the one on L1 in initial_root"):
        prepare_workload(other, config.cache)
