"""Killed at any moment, L1 gone, L1 reorganised: nothing is sent twice, no duty is forgotten."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.deploy import deploy
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.task import Task
from tests.e2e.stage import Stage, boast

Accounts = list[LocalAccount]
FINAL = Status.FINALIZED


def sent_twice(stage: Stage) -> dict[str, int]:
    """Events that can only come twice if something was sent twice."""
    events = stage.loops[0].history.events
    counts = Counter(
        (
            type(e).__name__,
            *(v for k, v in vars(e).items() if k in ("block_id", "verifier", "kind", "commitment", "demand_id")),
        )
        for e in events
        if type(e).__name__
        in ("BlockProposed", "Attested", "ChallengeCommitted", "Demanded", "Revealed", "BlockFinalized")
    )
    return {str(key): n for key, n in counts.items() if n > 1}


def test_agents_killed_again_and_again_finish_their_duties(stage: Stage, accounts: Accounts) -> None:
    """Every agent dies after every second turn and starts from its files alone. A replay takes two turns."""
    miner, cheat, *verifiers = accounts[1:6]

    replay = stage.against(cheat)

    def open_all(blocks: int) -> None:
        for account in verifiers:
            stage.verifier(account, replay)
        stage.miner(miner, blocks, replay)

    bad = stage.miner(cheat, blocks=1, forge=boast)
    stage.until(lambda: len(bad.view.blocks) == 2)
    stage.kill(bad)
    open_all(1)
    for _ in range(120):
        stage.rounds(2)
        if stage.statuses()[:2] == [Status.SLASHED, FINAL] and not stage.loops[0].view.unsettled:
            break
        for loop in list(stage.loops):
            stage.kill(loop)
        open_all(1)

    assert stage.statuses()[:2] == [Status.SLASHED, FINAL]
    assert sent_twice(stage) == {}


def test_pitfall_12_agents_survive_a_reorg_of_five_blocks(stage: Stage, accounts: Accounts) -> None:
    miner, *verifiers = accounts[1:4]
    for account in verifiers:
        stage.verifier(account)
    loop = stage.miner(miner, blocks=2)
    stage.until(lambda: len(stage.statuses()) == 2 and len(loop.view.blocks[loop.view.head].attestations) == 2)
    before = set(loop.view.blocks)

    stage.client.rpc.request("anvil_reorg", 5, [])
    stage.rounds(1)
    assert loop.view.l1_block > 0

    stage.until(lambda: stage.statuses() == [FINAL] * 2)
    assert set(loop.view.blocks) == before  # the same blocks: proposed again with the same transactions
    assert sent_twice(stage) == {}


def test_agents_wait_while_l1_is_away(tmp_path: Path, accounts: Accounts, task: Task, parameters: Parameters) -> None:
    net = Devnet.start(tmp_path / "devnet", port=0, block_time_s=None, bound=True)
    port = int(net.rpc.rsplit(":", 1)[1])
    try:
        deployment = deploy(Client.connect(net.rpc), accounts[0], task, parameters)
        client = Client.connect(net.rpc, deployment)

        def mine(blocks: int = 1, seconds: int = 0) -> None:
            if seconds:
                client.rpc.request("evm_increaseTime", seconds)
            client.rpc.request("anvil_mine", hex(blocks))

        stage = Stage(tmp_path, net.rpc, deployment, mine)
        miner, *verifiers = accounts[1:4]
        for account in verifiers:
            stage.verifier(account)
        stage.miner(miner, blocks=2)
        stage.until(lambda: len(stage.statuses()) == 1)

        net.stop()
        assert [loop.turn() for loop in stage.loops for _ in range(3)] == [False] * 9
        Devnet.start(tmp_path / "devnet", port=port, block_time_s=None, bound=True)

        stage.until(lambda: stage.statuses() == [FINAL] * 2)
        assert sent_twice(stage) == {}
        stage.close()
    finally:
        Devnet(tmp_path / "devnet").stop()
